import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { withBrowser } from '../../../test/browser.ts';
import { ENDLESS, MODEL, withNetwork } from './network.ts';
import { expectAccessible, visit } from './visitor.ts';

const network = withNetwork({ mode: 'keyed', keyCacheSeconds: 0 });
const browser = withBrowser();
let key: string;

beforeAll(async () => {
  key = (await network.key('client')).secret;
});

const bash = promisify(execFile);

test('a visitor without a mouse asks, reads the answer, and follows it to its receipt and its job', async context => {
  const { page, faults } = await visit(browser, context, `${network.url}/playground?model=${MODEL}`, { key });
  await page.getByRole('textbox', { name: 'Your message' }).focus();
  await page.keyboard.type('What is **bold** and <b>what</b> is [evil](javascript:alert(1))?');
  await page.keyboard.press('Enter');
  const answer = page.getByRole('article', { name: MODEL });
  await answer.getByText(/^first token after/).waitFor();
  expect(await answer.locator('strong').textContent()).toBe('bold');
  expect(await answer.locator('b').count()).toBe(0);
  expect(await answer.locator('a[href^="javascript"]').count()).toBe(0);
  expect(await answer.getByText(/tokens$/).textContent()).toBe('11 tokens');
  await answer.getByRole('link', { name: 'gpu-one' }).waitFor();
  await answer.getByRole('link', { name: 'Receipt' }).focus();
  await page.keyboard.press('Enter');
  await page.waitForURL('**/receipts/rcpt-*');
  await page.goBack();
  await answer.getByRole('link', { name: 'Job' }).click();
  await page.getByRole('heading', { name: 'Completed', exact: true }).waitFor();
  await page.getByRole('link', { name: 'rcpt-' }).waitFor();
  expect(faults).toEqual([]);
});

test('an answer can be stopped, which cancels its job, and asked for again', async context => {
  const { page } = await visit(browser, context, `${network.url}/playground?model=${ENDLESS}`, { key });
  await page.getByRole('textbox', { name: 'Your message' }).fill('Tell me everything');
  await page.getByRole('button', { name: 'Send' }).click();
  const answer = page.getByRole('article', { name: ENDLESS });
  await answer.getByText('more more').waitFor();
  await expectAccessible(page, 'an answer that arrives');
  await page.getByRole('button', { name: 'Stop' }).click();
  await answer.getByText('stopped').waitFor();
  const { items } = await network.client.jobs.list({ model: ENDLESS }).page();
  await vi.waitFor(async () => {
    expect(await network.client.jobs.get(items[0]?.job_id ?? '')).toMatchObject({ status: 'cancelled' });
  }, 30_000);
  await page.getByRole('combobox', { name: 'Model' }).selectOption(MODEL);
  await page.getByRole('button', { name: 'Regenerate' }).click();
  await page.getByRole('article', { name: MODEL }).getByText('Echo, no model ran').waitFor();
  expect(await answer.count()).toBe(0);
});

describe('the same call as code', () => {
  test('runs, with the key from the environment', async context => {
    const { page } = await visit(browser, context, `${network.url}/playground?model=${MODEL}`, { key });
    await page.getByRole('textbox', { name: 'System prompt' }).fill("Don't hurry");
    await page.getByRole('textbox', { name: 'Most tokens' }).fill('6');
    expect(await page.content()).not.toContain(key);
    const curl = page.getByRole('region', { name: 'Sample for curl' }).filter({ hasText: 'max_tokens' });
    const sample = await curl.textContent();
    expect(sample).toContain(network.url);
    const env = { ...process.env, AITBC_API_KEY: key };
    const { stdout } = await bash('bash', ['-c', (sample ?? '').replace('curl', 'curl -sS')], { env });
    const pieces = [...stdout.matchAll(/"content":"([^"]*)"/g)].map(([, text]) => text);
    expect(pieces.join('')).toBe('Echo, no model ran: What is');
    await page.getByRole('tab', { name: 'TypeScript' }).click();
    const program = await page.getByRole('region', { name: 'Sample for TypeScript' }).textContent();
    const ran = await bash(process.execPath, ['--input-type=module', '--eval', program ?? ''], {
      env,
      cwd: import.meta.dirname,
    });
    expect(ran.stdout).toBe('Echo, no model ran: What is');
  });

  test('a parameter out of bounds is told, and not sent', async context => {
    const { page } = await visit(browser, context, `${network.url}/playground?model=${MODEL}`, { key });
    await page.getByRole('textbox', { name: 'Temperature' }).fill('3');
    await page.getByRole('alert').getByText('A number from 0 to 2').waitFor();
    await expectAccessible(page, 'a wrong parameter');
    expect(await page.getByRole('region', { name: 'Sample for curl' }).textContent()).not.toContain(
      '"temperature"',
    );
  });
});

test('a model that nobody runs: the question says what it waits for, and the job can be cancelled', async context => {
  const { job_id } = await network.client.jobs.submit({ prompt: 'Hello', model: 'nobody-has-it' });
  const { page } = await visit(browser, context, `${network.url}/jobs?status=pending`, { key });
  await page.locator(`a[href="/jobs/${job_id}"]`).click();
  await page.getByRole('heading', { name: 'Waits for a miner' }).waitFor();
  await page.getByRole('button', { name: 'Cancel the job' }).click();
  await page.getByRole('heading', { name: 'Cancelled', exact: true }).waitFor();
  expect(await network.client.jobs.get(job_id)).toMatchObject({ status: 'cancelled' });
});

test('filters of the list of jobs are in its URL', async context => {
  await network.run('One');
  const { page } = await visit(browser, context, `${network.url}/jobs`, { key });
  await page.getByRole('combobox', { name: 'Status' }).selectOption('completed');
  await page.waitForURL('**/jobs?status=completed');
  await page.getByRole('searchbox', { name: 'Model', exact: true }).fill('nobody-has-it');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/jobs?status=completed&model=nobody-has-it');
  await page.getByText('No job is like this').waitFor();
  await page.goBack();
  await page.getByRole('table', { name: 'Your jobs, newest first' }).waitFor();
});
