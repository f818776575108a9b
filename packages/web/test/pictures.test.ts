import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CoordinatorClient } from '@aitbc/sdk';
import pixelmatch from 'pixelmatch';
import type { Page } from 'playwright-core';
import { PNG } from 'pngjs';
import { beforeAll, expect, test } from 'vitest';
import { withBrowser } from '../../../test/browser.ts';
import { withNetwork } from './network.ts';
import { goTo, loaded, THEMES, visit } from './visitor.ts';

/*
 * Pictures of each page, kept in docs/images/web. Ids, hashes and times differ from run to run, so a few pixels may
 * differ; where a page loses its layout, its colours or a part of it, many more do. To take them anew, delete them.
 */

const PICTURES = join(import.meta.dirname, '../../../docs/images/web');
const SIZE = { width: 1100, height: 640 };
const MAX_DIFFERENT = 0.03;

const network = withNetwork({ mode: 'keyed', webhookAllow: ['127.0.0.1'], webhookDns: '127.0.0.1:9' });
const browser = withBrowser();
let receiptId: string;
let provider: string;
let jobId: string;
let key: string;

beforeAll(async () => {
  await network.publish();
  const jobs = [];
  for (let count = 0; count < 8; count++) {
    jobs.push(await network.run(`What is ${count} times 7?`, count % 3 === 0 ? 'qwen3:8b' : 'llama3.2'));
    if (count % 4 === 3) await network.publish();
  }
  const receipt = await network.client.jobs.receipt(jobs[2]?.job_id ?? '');
  ({ receipt_id: receiptId, provider, job_id: jobId } = receipt);
  key = (await network.key('client', 'miner', 'keys')).secret;
});

const PAGES = [
  ['blocks', '/blocks'],
  ['block', '/blocks/1'],
  ['transactions', '/transactions'],
  ['receipts', '/receipts'],
  ['receipt', '/receipts/RECEIPT'],
  ['miners', '/miners'],
  ['miner', '/miners/gpu-one'],
  ['models', '/models'],
  ['address', '/addresses/PROVIDER'],
  ['evidence', '/evidence'],
  ['verify', '/verify'],
  ['overview', '/'],
  ['playground', '/playground?model=llama3.2'],
  ['jobs', '/jobs'],
  ['job', '/jobs/JOB'],
  ['batches', '/batches'],
  ['keys', '/keys'],
  ['machine', '/machines/gpu-one'],
] as const;

/** These are taken last, since what they show is also in lists above. */
const MANAGING = [
  ['machines', '/machines'],
  ['batch', '/batches/BATCH'],
  ['usage', '/usage'],
  ['webhook', '/webhooks/WEBHOOK'],
  ['admin', '/admin'],
  ['admin-keys', '/admin/keys'],
  ['admin-grants', '/admin/grants'],
  ['admin-payouts', '/admin/payouts'],
  ['admin-audit', '/admin/audit'],
  ['admin-configuration', '/admin/configuration?q=batch'],
] as const;

test('every page looks as it did, in both colours', { timeout: 600_000 }, async context => {
  const { page } = await visit(browser, context, network.url, SIZE);
  for (const [name, template] of PAGES) {
    const path = template.replace('RECEIPT', receiptId).replace('PROVIDER', provider).replace('JOB', jobId);
    await openAs(page, key, path);
    if (name === 'receipt') {
      await page.getByRole('button', { name: 'Verify' }).click();
      await page.getByText('Valid.').waitFor();
    }
    if (name === 'playground') {
      await page.getByRole('textbox', { name: 'Your message' }).fill('What is 6 times 7?');
      await page.keyboard.press('Enter');
      await page.getByRole('link', { name: 'Receipt', exact: true }).waitFor();
    }
    await takePictures(page, name);
  }
});

test('so do the pages for what one manages', { timeout: 600_000 }, async context => {
  const admin = (await network.key('admin')).secret;
  const ids = await prepareToManage(admin);
  const { page } = await visit(browser, context, network.url, SIZE);
  for (const [name, template] of MANAGING) {
    const path = template.replace(/[A-Z]{3,}/, id => ids[id] ?? id);
    await openAs(page, name.startsWith('admin') ? admin : key, path);
    await takePictures(page, name);
  }
});

/** Makes a batch, a webhook, a grant, payouts and jobs that wait. Returns ids by the word for them in paths. */
async function prepareToManage(admin: string): Promise<Record<string, string>> {
  const { client, url } = network;
  const operator = new CoordinatorClient(url, admin);
  await operator.grants.create({ to: provider, amount: 10, reason: 'Welcome' });
  // A fast machine earns little with the few jobs of this test.
  const amount = 0.00001;
  for (const method of ['SEPA transfer', 'Cash']) {
    const { payout } = await operator.payouts.create({
      to: provider,
      amount,
      method,
      reference: '2026-01/17',
    });
    if (method === 'Cash') await client.payouts.confirm(payout.payout_id);
  }
  const webhook = await client.webhooks.create({
    ...{ url: 'http://127.0.0.1:9/webhook', events: ['job.failed'], description: 'for the web shop' },
  });
  const body = { model: 'llama3.2', messages: [{ role: 'user', content: 'Hello' }] };
  const batch = await client.batches.submit([{ custom_id: '1', url: '/v1/chat/completions', body }]);
  await client.batches.wait(batch.id, { poll: 0.1 });
  await client.jobs.submit({ prompt: 'Hello', model: 'mixtral' });
  await network.publish();
  return { BATCH: batch.id, WEBHOOK: webhook.id };
}

/** Opens a page in the same tab as the owner of a key, in light colours, and waits until all is there. */
async function openAs(page: Page, secret: string, path: string): Promise<void> {
  await page.emulateMedia({ colorScheme: 'light' });
  await page.evaluate(secret => sessionStorage.setItem('aitbc.key', secret), secret);
  await goTo(page, network.url + path);
  await page.getByText('Live', { exact: true }).waitFor();
  await loaded(page);
}

async function takePictures(page: Page, name: string): Promise<void> {
  await page.evaluate('document.fonts.ready');
  // What just arrived is highlighted for a moment, and the focus may be anywhere.
  await page.locator('[data-arrived]').first().waitFor({ state: 'detached' });
  for (const theme of THEMES) {
    await page.emulateMedia({ colorScheme: theme });
    await page.locator(`html[data-theme=${theme}]`).waitFor();
    await expectAsKept(`${name}-${theme}`, await page.screenshot());
  }
}

/** Compares a picture with the one that is kept under this name, or keeps it where there is none. */
async function expectAsKept(name: string, png: Buffer): Promise<void> {
  const taken = PNG.sync.read(png);
  const file = join(PICTURES, `${name}.png`);
  if (!existsSync(file)) {
    await mkdir(PICTURES, { recursive: true });
    return await writeFile(file, PNG.sync.write(taken, { colorType: 2, filterType: -1, deflateLevel: 9 }));
  }
  const kept = PNG.sync.read(await readFile(file));
  const { width, height } = taken;
  expect([kept.width, kept.height]).toEqual([width, height]);
  const different = pixelmatch(kept.data, taken.data, undefined, width, height, { threshold: 0.15 });
  expect(different / (width * height), name).toBeLessThan(MAX_DIFFERENT);
}
