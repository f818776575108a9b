import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withBrowser } from '../../../test/browser.ts';
import { answering, type Receiver, startReceiver } from '../../coordinator/test/harness/receiver.ts';
import { ENDLESS, MODEL, withNetwork } from './network.ts';
import { expectAccessible, goTo, loaded, THEMES, visit } from './visitor.ts';

const network = withNetwork({
  ...{ mode: 'keyed', keyCacheSeconds: 0 },
  ...{ webhookAllow: ['127.0.0.1'], webhookDns: '127.0.0.1:9' },
});
const browser = withBrowser();
let key: string;
let admin: string;
let receiver: Receiver;
const ids: Record<string, string> = {};

beforeAll(async () => {
  key = (await network.key('client', 'miner', 'keys')).secret;
  admin = (await network.key('admin')).secret;
  receiver = await startReceiver();
  const { client } = network;
  const webhook = await client.webhooks.create({ url: receiver.url, events: ['job.completed'] });
  const job = await network.run('What is 6 times 7?');
  const batch = await client.batches.submit([requestFor('1')]);
  await client.batches.wait(batch.id, { poll: 0.1 });
  Object.assign(ids, { WEBHOOK: webhook.id, JOB: job.job_id, BATCH: batch.id });
});

afterAll(() => receiver?.close());

const requestFor = (id: string) => ({
  custom_id: id,
  url: '/v1/chat/completions',
  body: { model: MODEL, messages: [{ role: 'user', content: `Hello ${id}` }] },
});

const PAGES = [
  ['/playground', 'Playground'],
  ['/jobs', 'Jobs'],
  ['/jobs?status=failed', 'Jobs'],
  ['/jobs/JOB', 'Job'],
  ['/jobs/job-nothing', 'Job'],
  ['/batches', 'Batches'],
  ['/batches/BATCH', 'Batch'],
  ['/usage', 'Usage'],
  ['/webhooks', 'Webhooks'],
  ['/webhooks/WEBHOOK', 'Webhook'],
  ['/keys', 'API keys'],
  ['/machines', 'Machines'],
  ['/machines/gpu-one', 'gpu-one'],
  ['/join', 'Join'],
] as const;

/** A visitor with a phone in the dark, and one with a large screen. */
test.for([
  { theme: THEMES[1], width: 360, height: 740 },
  { theme: THEMES[0], width: 1280, height: 860 },
])(
  'every page is there, and everybody can use it, at $width px in $theme colours',
  {
    timeout: 600_000,
  },
  async (size, context) => {
    const { page, faults } = await visit(browser, context, network.url, { ...size, key });
    for (const [template, title] of PAGES) {
      const path = template.replace(/[A-Z]{3,}/, name => ids[name] ?? name);
      await goTo(page, network.url + path);
      await page.getByRole('heading', { level: 1, name: title }).waitFor();
      await loaded(page);
      await expectAccessible(page, path);
      expect(await page.evaluate(() => document.documentElement.scrollWidth), path).toBe(size.width);
      expect([path, faults.filter(fault => !/40[04]/.test(fault))]).toEqual([path, []]);
    }
  },
);

describe('who may see it', () => {
  test.for([
    ['client', '/machines', 'miner'],
    ['miner', '/jobs', 'client'],
    ['client', '/keys', 'keys'],
  ] as const)('a key with the scope %s is told at %s what it lacks', async ([has, path, needs], context) => {
    const { secret } = await network.key(has);
    const { page } = await visit(browser, context, network.url + path, { key: secret });
    await page.getByText(`a key needs the scope ${needs}`).waitFor();
    await expectAccessible(page, 'a wrong scope');
    await page.getByRole('button', { name: 'Sign in with another key' }).click();
    await page.getByLabel('API key').fill(key);
    await page.keyboard.press('Enter');
    await page.getByText(`a key needs the scope ${needs}`).waitFor({ state: 'detached' });
    await loaded(page);
    await page.getByRole('alert').waitFor({ state: 'detached' });
  });

  test('a key that is revoked while its owner works: the page says so, and shows nothing more', async context => {
    const revoked = await network.key('client');
    const { page } = await visit(browser, context, `${network.url}/jobs`, { key: revoked.secret });
    await page.getByRole('table', { name: 'Your jobs, newest first' }).waitFor();
    await revoked.revoke();
    await page.getByRole('combobox', { name: 'Status' }).selectOption('completed');
    await page.getByRole('alert').getByText('You were signed out').waitFor();
    expect(await page.getByRole('table').count()).toBe(0);
    await expectAccessible(page, 'a session that ended');
  });
});

test('a file of requests: wrong lines are named, then it is answered, cancelled and downloaded', async context => {
  const { page } = await visit(browser, context, `${network.url}/batches`, { key });
  const choose = async (lines: string[]) =>
    await page.locator('input[type=file]').setInputFiles({
      name: 'requests.jsonl',
      mimeType: 'application/jsonl',
      buffer: Buffer.from(lines.join('\n')),
    });
  const good = JSON.stringify({ method: 'POST', ...requestFor('7') });
  await choose([good, '{"custom_id": "8"', good]);
  const faults = page.getByRole('alert');
  await faults.getByText('Line 2').waitFor();
  await faults.getByText('custom_id 7 is in line 1 already').waitFor();
  await expectAccessible(page, 'a file that is wrong');
  const lineFor = (id: string, body: object) =>
    JSON.stringify({ method: 'POST', ...requestFor(id), body: { ...requestFor(id).body, ...body } });
  const start = async () => {
    await page.getByRole('button', { name: 'Start the batch' }).click();
    await page.waitForURL('**/batches/batch_*');
    await network.coordinator.sweep();
  };
  // Only the coordinator knows what a request must have.
  await choose([good, lineFor('8', { messages: 'Hello' })]);
  await start();
  await page.getByRole('region', { name: 'What is wrong with the file' }).getByText('Line 2').waitFor();
  await expectAccessible(page, 'a batch that failed');
  await page.goBack();
  await choose([good, lineFor('8', { model: ENDLESS })]);
  await start();
  await page.getByText('1 of 2').waitFor();
  await page.getByRole('button', { name: 'Cancel the batch' }).click();
  await page.getByText('cancelling').waitFor();
  await network.coordinator.sweep();
  const download = async (name: string) => {
    const downloaded = page.waitForEvent('download');
    await page.getByRole('button', { name }).click();
    return await readFile(await (await downloaded).path(), 'utf8');
  };
  const answers = JSON.parse(await download('Download answers'));
  expect(answers.response.body.choices[0].message.content).toBe('Echo, no model ran: Hello 7');
  expect(JSON.parse(await download('Download errors'))).toMatchObject({
    custom_id: '8',
    error: { code: 'batch_cancelled' },
  });
});

test('a webhook: its secret is shown once, a delivery fails and is sent again', async context => {
  const { page } = await visit(browser, context, `${network.url}/webhooks`, { key });
  await page.getByRole('button', { name: 'New webhook' }).click();
  await page.getByLabel('URL').fill(receiver.url);
  await expectAccessible(page, 'the form for a webhook');
  await page.getByRole('button', { name: 'Create the webhook' }).click();
  const secret = page.getByRole('status').getByText(/^whsec_/);
  await secret.waitFor();
  await page.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('link', { name: receiver.url }).first().click();
  receiver.behave(answering(500, {}, 'I am ill'));
  await page.getByRole('button', { name: 'Send a test' }).click();
  await page.getByRole('button', { name: 'Details of webhook.test' }).click();
  await page.getByText('I am ill').waitFor();
  await expectAccessible(page, 'a delivery');
  receiver.behave(answering(200, {}, 'Thanks'));
  await page.getByRole('button', { name: 'Send again' }).click();
  await page.getByText('Thanks').waitFor();
  await page.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('cell', { name: 'delivered' }).waitFor();
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByRole('button', { name: 'Resume' }).waitFor();
});

test('a key is created with a budget, shown once, works, and is revoked', async context => {
  const { page } = await visit(browser, context, `${network.url}/keys`, { key });
  await page.getByRole('button', { name: 'New key' }).click();
  await page.getByLabel('Name').fill('the web shop');
  await page.getByLabel('Credits a day').fill('many');
  await page.getByRole('button', { name: 'Create the key' }).click();
  await page.getByRole('alert').getByText('Credits must be a number').waitFor();
  await page.getByLabel('Credits a day').fill('5');
  await page.getByLabel('Days until it expires').fill('30');
  await page.getByRole('button', { name: 'Create the key' }).click();
  const made = await page
    .getByRole('status')
    .getByText(/^aitbc_/)
    .textContent();
  await page.getByRole('button', { name: 'Close' }).click();
  // A dialog stays in the document until its closing has been shown.
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  expect(await page.content()).not.toContain(made);
  const account = await fetch(`${network.url}/v1/api-keys/current`, { headers: { 'x-api-key': made ?? '' } });
  expect(await account.json()).toMatchObject({ scopes: ['client'], budget: { day: 5 } });
  await page.getByRole('button', { name: 'Manage the web shop' }).click();
  await page.getByRole('button', { name: 'Revoke', exact: true }).click();
  await page.getByText('It was revoked at').waitFor();
  const after = await fetch(`${network.url}/v1/account`, { headers: { 'x-api-key': made ?? '' } });
  expect(after.status).toBe(401);
});

test('an invitation is a link, which makes an account and signs in', async context => {
  const { page } = await visit(browser, context, `${network.url}/keys`, { key: admin });
  await page.getByRole('button', { name: 'New invitation' }).click();
  await page.getByRole('button', { name: 'Create the invitation' }).click();
  const link = await page
    .getByRole('status')
    .getByText(/\/join#/)
    .textContent();
  const guest = await visit(browser, context, link ?? '');
  await guest.page.getByRole('button', { name: 'Join' }).click();
  await guest.page.getByText(/^aitbc_/).waitFor();
  await expectAccessible(guest.page, 'a key for a guest');
  await guest.page.getByRole('button', { name: 'I saved it: sign in' }).click();
  await guest.page.waitForURL('**/playground');
  await guest.page.getByRole('button', { name: /^Account with 0/ }).waitFor();
});

test('a machine is drained and resumed, and says why it gets nothing', async context => {
  const { page } = await visit(browser, context, `${network.url}/machines`, { key });
  await page.getByRole('link', { name: 'gpu-one' }).click();
  await page.getByRole('button', { name: 'Drain' }).click();
  await page.getByText('It is draining').waitFor();
  expect(await network.client.miners.get('gpu-one')).toMatchObject({ status: 'draining' });
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.getByRole('button', { name: 'Drain' }).waitFor();
  expect(await network.run('Are you back?')).toMatchObject({ status: 'completed', miner_id: 'gpu-one' });
});
