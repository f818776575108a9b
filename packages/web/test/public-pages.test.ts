import { text } from 'node:stream/consumers';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { withBrowser } from '../../../test/browser.ts';
import { MODEL, withNetwork } from './network.ts';
import { expectAccessible, goTo, loaded, visit } from './visitor.ts';

const network = withNetwork();
const browser = withBrowser();
let receiptId: string;
let provider: string;

beforeAll(async () => {
  const jobs = [];
  for (const prompt of ['One', 'Two', 'Three', 'Four', 'Five']) jobs.push(await network.run(prompt));
  const receipt = await network.client.jobs.receipt(jobs[2]?.job_id ?? '');
  ({ receipt_id: receiptId, provider } = receipt);
  await network.publish();
});

describe('the overview', () => {
  test('tells how to join, with this coordinator’s address', async context => {
    const { page, faults } = await visit(browser, context, network.url);
    await page.getByRole('tab', { name: 'Lend a GPU' }).click();
    const command = `npx aitbc miner --backend ollama --coordinator ${network.url}`;
    expect(await page.getByRole('tabpanel').textContent()).toContain(command);
    expect(faults).toEqual([]);
  });

  test('shows a receipt and a block when they arrive, without being loaded again', async context => {
    const { page, faults } = await visit(browser, context, network.url);
    const newest = page.getByRole('table', { name: 'Newest transactions' });
    await page.getByText('Live', { exact: true }).waitFor();
    const { job_id } = await network.run('Hello!');
    const { receipt_id } = await network.client.jobs.receipt(job_id);
    await network.publish();
    const found = await network.client.explorer.search(receipt_id);
    await newest.locator(`a[href="/transactions/${found.at(-1)?.id}"]`).waitFor();
    const { items } = await network.client.explorer.blocks({ limit: 1 }).page();
    const blocks = page.getByRole('table', { name: 'Newest blocks' });
    await blocks.getByRole('link', { name: String(items[0]?.height), exact: true }).waitFor();
    expect(faults).toEqual([]);
  });

  test('says when it is offline, and goes on when the network is back', async context => {
    const { page } = await visit(browser, context, network.url);
    await page.getByText('Live', { exact: true }).waitFor();
    await page.context().setOffline(true);
    await page.getByRole('status').getByText('Offline').waitFor();
    expect(await page.getByRole('table', { name: 'Newest transactions' }).isVisible()).toBe(true);
    await page.context().setOffline(false);
    await page.getByText('Live', { exact: true }).waitFor();
  });
});

const PAGES = [
  ['/', 'AI models'],
  ['/blocks', 'Blocks'],
  ['/blocks/1', 'Block 1'],
  ['/blocks/999999', 'Block'],
  ['/transactions', 'Transactions'],
  ['/receipts', 'Receipts'],
  ['/transactions?type=restore', 'Transactions'],
  ['/receipts?client=ait1qqqq', 'Receipts'],
  ['/receipts?miner=gpu-one&sort=-price', 'Receipts'],
  ['/receipts/RECEIPT', 'Receipt'],
  ['/receipts/rcpt-nothing', 'Receipt'],
  ['/miners', 'Miners'],
  ['/miners?status=draining', 'Miners'],
  ['/miners/gpu-one', 'gpu-one'],
  ['/models', 'Models'],
  ['/addresses/PROVIDER', 'Address'],
  ['/addresses/PROVIDER?show=earned', 'Address'],
  ['/evidence', 'Evidence'],
  ['/evidence?miner=gpu-one', 'Evidence'],
  ['/verifications', 'Verifications'],
  ['/verifications?judgement=accused', 'Verifications'],
  ['/verifications/ver-nothing', 'Verification'],
  ['/verify', 'Verify'],
  ['/search?q=nothing', 'Search'],
  ['/search', 'Search'],
] as const;

test('every page is there, and everybody can use it in either colours', {
  timeout: 600_000,
}, async context => {
  const { page, faults } = await visit(browser, context, network.url);
  for (const [template, title] of PAGES) {
    const path = template.replace('RECEIPT', receiptId).replace('PROVIDER', provider);
    await page.emulateMedia({ colorScheme: 'light' });
    await goTo(page, network.url + path);
    await page.getByRole('heading', { level: 1, name: title }).waitFor();
    await loaded(page);
    await expectAccessible(page, path);
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.locator('html[data-theme=dark]').waitFor();
    // Nothing else depends on the colours.
    await expectAccessible(page, `${path} in dark colours`, ['color-contrast']);
    // A browser tells of each answer that is 404, whatever the page makes of it.
    expect([path, faults.filter(fault => !/40[04]/.test(fault))]).toEqual([path, []]);
  }
});

async function newestHash(): Promise<string> {
  const { items } = await network.client.explorer.transactions({ limit: 1 }).page();
  return items[0]?.hash ?? '';
}

const SEARCHED: readonly (readonly [find: () => Promise<string>, path: string])[] = [
  [newestHash, '/transactions/'],
  [async () => provider, '/addresses/'],
  [async () => 'gpu-one', '/miners/gpu-one'],
  [async () => 'qwen3:8b', '/models?q=qwen3'],
];

test('the search leads to a hash, an address, a miner and a model', async context => {
  const { page } = await visit(browser, context, network.url);
  for (const [find, path] of SEARCHED) {
    await page.keyboard.press('/');
    await page.keyboard.type(await find());
    await page.keyboard.press('Enter');
    await page.waitForURL(url => (url.pathname + url.search).startsWith(path));
    // The URL changes before the page is loaded, and nobody searches again before that.
    await page.getByRole('heading', { level: 1 }).filter({ hasNotText: 'Search' }).waitFor();
  }
});

test('a number that names a block and a transaction is searched for, and both are listed', async context => {
  const { page } = await visit(browser, context, `${network.url}/search?q=1`);
  const results = page.getByRole('main').getByRole('listitem');
  await results.first().waitFor();
  expect(await results.count()).toBe(2);
});

test('a visitor without a mouse opens the newest receipt and verifies it', async context => {
  const { page } = await visit(browser, context, `${network.url}/receipts`);
  await loaded(page);
  await page.keyboard.press('Tab');
  expect(await page.locator(':focus').textContent()).toBe('Skip to content');
  await page.keyboard.press('Enter');
  const isOnReceipt = () =>
    page.evaluate(() => document.activeElement?.getAttribute('href')?.startsWith('/receipts/') === true);
  for (let count = 0; count < 16 && !(await isOnReceipt()); count++) await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/receipts/rcpt-*');
  const verify = page.getByRole('button', { name: 'Verify' });
  await verify.focus();
  await page.keyboard.press('Enter');
  await page.getByText('Valid.').waitFor();
});

test('pages of a list are in the URL, and the way back is the browser’s', async context => {
  const { page } = await visit(browser, context, `${network.url}/models?sort=-speed`);
  await page.getByRole('columnheader', { name: 'Tokens per second' }).waitFor();
  expect(await page.locator('th[aria-sort="descending"]').textContent()).toBe('Tokens per second');
  await page.getByRole('button', { name: 'Model', exact: true }).click();
  await page.waitForURL('**/models?sort=model');
  await page.goBack();
  await page.waitForURL('**/models?sort=-speed');
});

test('a receipt leads to its transaction, and back', async context => {
  const { page } = await visit(browser, context, `${network.url}/receipts/${receiptId}`);
  await page.getByRole('link', { name: /^entry / }).click();
  await page.getByRole('heading', { level: 1, name: 'Receipt' }).waitFor();
  await page.getByRole('main').locator(`a[href="/receipts/${receiptId}"]`).click();
  await page.waitForURL(`**/receipts/${receiptId}`);
});

test('lists are filtered by the URL, and an address downloads its transactions', async context => {
  const { page } = await visit(browser, context, `${network.url}/receipts?model=qwen3:8b`);
  await page.getByText('No receipt fits').waitFor();
  await page.getByRole('searchbox', { name: 'Model', exact: true }).fill(MODEL);
  await page.keyboard.press('Enter');
  await page.waitForURL('**/receipts?model=llama3.2');
  await page.getByRole('table', { name: 'Receipts, newest first' }).waitFor();
  await page.goto(`${network.url}/addresses/${provider}`);
  const downloading = page.waitForEvent('download');
  await page.getByRole('button', { name: 'CSV' }).click();
  const file = await (await downloading).createReadStream();
  const lines = (await text(file)).trim().split('\r\n');
  const { transactions } = await network.client.explorer.address(provider);
  expect(lines[0]).toMatch(/^timestamp,type,from,to,amount,/);
  expect(lines).toHaveLength(transactions + 1);
});

test('a miner shows on how much of each day it was there, and what it earned', async context => {
  const { store, operations } = network.coordinator.modules;
  await store.write(operations.countMinerDays, undefined);
  const { page } = await visit(browser, context, `${network.url}/miners/gpu-one`);
  await page.getByRole('img', { name: /% over [12] days?$/ }).waitFor();
  const days = await network.client.explorer.minerDays('gpu-one');
  const jobs = days.reduce((sum, day) => sum + day.jobs, 0);
  await page.getByText(`credits for ${jobs} jobs`).waitFor();
});

describe('a phone', () => {
  test('has the navigation in a menu, and nothing is wider than its screen', async context => {
    const { page } = await visit(browser, context, network.url, { width: 360, height: 740 });
    await page.getByText('Live', { exact: true }).waitFor();
    for (const name of ['Receipts', 'Miners', 'Verify']) {
      await page.getByRole('button', { name: 'Menu' }).click();
      await page.getByRole('dialog').getByRole('link', { name }).click();
      await page.getByRole('heading', { level: 1, name }).waitFor();
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await loaded(page);
      expect(await page.evaluate(() => document.documentElement.scrollWidth), name).toBe(360);
    }
  });
});

describe('verifying', () => {
  const verdictOf = (page: Page) => page.locator('[data-valid]');
  const failedSteps = (page: Page) =>
    page
      .locator('[data-result="failed"]')
      .evaluateAll(steps => steps.map(step => (step as HTMLElement).dataset.step));

  test('a receipt, in the browser, shows each step and the way through the tree', async context => {
    const { page, faults } = await visit(browser, context, `${network.url}/receipts/${receiptId}`);
    await page.getByRole('button', { name: 'Verify' }).click();
    await page.getByText('Valid.').waitFor();
    const steps = await page
      .locator('[data-step]')
      .evaluateAll(all =>
        all.map(step => [(step as HTMLElement).dataset.step, (step as HTMLElement).dataset.result]),
      );
    expect(steps).toEqual([
      ...['form', 'key', 'signature', 'miner', 'arithmetic', 'inclusion', 'checkpoint'].map(id => [
        id,
        'passed',
      ]),
      ['witnesses', 'skipped'],
    ]);
    await page.getByRole('img', { name: /which ends at the signed root/ }).waitFor();
    await expectAccessible(page, 'a verified receipt');
    expect(faults).toEqual([]);
  });

  /** What is changed in a receipt, and the step that finds it out. */
  const CHANGES: readonly (readonly [what: string, change: (text: string) => string, failed: string])[] = [
    ['the price', text => text.replace(/"price":[0-9.e-]+/, '"price":0.5'), 'signature'],
    ['the result’s hash', text => text.replace(/("artifact_hash":"[0-9a-f]{4})./, '$1z'), 'form'],
    ['the checkpoint', text => exchange(text, /(\\n— [^ ]+ )([\w+/])/), 'checkpoint'],
    ['the proof', text => exchange(text, /("hashes":\[")(.)/), 'inclusion'],
  ];

  /** Puts another letter where the second group is. */
  const exchange = (text: string, place: RegExp) =>
    text.replace(place, (_, before, letter) => before + (letter === 'A' ? 'B' : 'A'));

  test('a pasted receipt, and those in which something was changed', async context => {
    const { page } = await visit(browser, context, `${network.url}/verify`);
    const text = JSON.stringify(await network.client.receipts.get(receiptId));
    const field = page.getByRole('textbox', { name: 'Receipt or proof' });
    for (const [what, change, expected] of CHANGES) {
      await field.fill(text);
      await page.locator('[data-valid="true"]').waitFor();
      const changed = change(text);
      expect(changed, what).not.toBe(text);
      await field.fill(changed);
      await page.locator('[data-valid="false"]').waitFor();
      expect(await failedSteps(page), what).toContain(expected);
      expect(await verdictOf(page).textContent(), what).toContain('Not valid');
    }
    await expectAccessible(page, 'a changed receipt');
  });

  test('a proof file', async context => {
    const { page } = await visit(browser, context, `${network.url}/verify`);
    const proof = await network.client.receipts.proof(receiptId);
    const name = `${receiptId}.tlog-proof`;
    await page
      .locator('input[type=file]')
      .setInputFiles({ name, mimeType: 'text/plain', buffer: Buffer.from(proof) });
    await page.locator('[data-valid="true"]').waitFor();
  });

  test('says what is wrong with a text that is neither', async context => {
    const { page } = await visit(browser, context, `${network.url}/verify`);
    await page.getByRole('textbox', { name: 'Receipt or proof' }).fill('Hello!');
    await page.getByText('This is neither a receipt nor a proof').waitFor();
  });

  test('remembers the keys, and raises an alarm when the ledger was rewritten', async context => {
    const { page } = await visit(browser, context, `${network.url}/verify`);
    await page.getByText('from now on this browser remembers').waitFor();
    await page.reload();
    await page.getByText('same keys, and the ledger continues').waitFor();
    await page.getByRole('button', { name: 'Pin these keys' }).click();
    await page.getByText('You pinned them').waitFor();
    await page.evaluate(() => {
      const seen = JSON.parse(localStorage.getItem('aitbc.ledger') ?? '{}');
      localStorage.setItem('aitbc.ledger', JSON.stringify({ ...seen, root: seen.root.replace(/^../, '00') }));
    });
    await page.reload();
    await page.getByRole('alert').getByText('The ledger was rewritten').waitFor();
    await expectAccessible(page, 'an alarm');
    await page.getByRole('button', { name: 'Forget the last visit' }).click();
    await page.getByText('from now on this browser remembers').waitFor();
  });
});

test('the colours stay as the visitor chose them', async context => {
  const { page } = await visit(browser, context, network.url);
  const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
  expect(await theme()).toBe('light');
  for (const next of ['light', 'dark']) await page.getByRole('button', { name: `Change to ${next}` }).click();
  expect(await theme()).toBe('dark');
  await page.reload();
  await expect.poll(theme).toBe('dark');
});

test(`a job for ${MODEL} shows up in the list of receipts by itself`, async context => {
  const { page } = await visit(browser, context, `${network.url}/receipts`);
  await page.getByText('Live', { exact: true }).waitFor();
  const { job_id } = await network.run('News');
  const { receipt_id } = await network.client.jobs.receipt(job_id);
  await page.locator(`a[href="/receipts/${receipt_id}"]`).waitFor();
});
