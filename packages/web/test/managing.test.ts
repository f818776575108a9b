import { readFile } from 'node:fs/promises';
import { CoordinatorClient } from '@aitbc/sdk';
import { parse } from 'csv-parse/sync';
import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { withBrowser } from '../../../test/browser.ts';
import { readTiers } from '../../coordinator/src/limits/tiers.ts';
import { runStep } from '../../coordinator/src/store/store.ts';
import { type TestKey, withNetwork } from './network.ts';
import { expectAccessible, goTo, loaded, visit } from './visitor.ts';

/*
 * What administrators, providers and clients change by forms. The network has one account, which runs its own jobs, so
 * that it earns what it pays. It needs a grant for something to be left that can be paid out.
 */

const network = withNetwork({
  ...{ mode: 'keyed', keyCacheSeconds: 0, tiers: readTiers({ gold: { pending: null } }) },
  ...{ webhookAllow: ['127.0.0.1'], webhookDns: '127.0.0.1:9' },
});
const browser = withBrowser();
const PHONE = { width: 360, height: 740 };
let admin: TestKey;
let owner: TestKey;
let address: string;

beforeAll(async () => {
  [admin, owner] = [await network.key('admin'), await network.key('client', 'miner', 'keys')];
  ({ address } = await network.client.accounts.own());
  for (const prompt of ['One', 'Two two', 'Three three three']) await network.run(prompt);
  await adminClient().grants.create({ to: address, amount: 10, reason: 'Welcome' });
});

const adminClient = () => new CoordinatorClient(network.url, admin.secret);

/** Opens a page of the app as the owner of a key. */
async function openAs(page: Page, key: TestKey, path: string): Promise<void> {
  await page.evaluate(secret => sessionStorage.setItem('aitbc.key', secret), key.secret);
  await goTo(page, network.url + path);
  await loaded(page);
}

/** A dialog stays in the document until its closing has been shown. */
const closed = (page: Page) => page.getByRole('dialog').waitFor({ state: 'detached' });

const payoutTable = (page: Page) => page.getByRole('table', { name: 'Payouts, newest first' });

test('a payout is recorded, disputed and withdrawn, and another is confirmed', async context => {
  const { page, faults } = await visit(browser, context, network.url, PHONE);
  await openAs(page, admin, '/admin/payouts');
  await page.getByText('No payout yet').waitFor();
  await page.getByLabel('To', { exact: true }).first().fill(address);
  const { earned, payable } = (await network.client.accounts.own()).earnings;
  await page.getByText(`of ${payable} that can be paid out`).waitFor();
  await page.getByLabel('Method (public)').fill('SEPA transfer');
  await page.getByLabel('Credits', { exact: true }).fill('1000');
  await page.getByRole('button', { name: 'Record payout' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('No money moves by it').waitFor();
  await expectAccessible(page, 'the question about a payout');
  await dialog.getByRole('button', { name: 'Record' }).click();
  await dialog.getByRole('alert').getByText(`can be paid out ${payable} credits`).waitFor();
  await dialog.getByRole('button', { name: 'Leave it as it is' }).click();
  await closed(page);
  await page.getByLabel('Credits', { exact: true }).fill(String(payable));
  await page.getByRole('button', { name: 'Record payout' }).click();
  await dialog.getByRole('button', { name: 'Record' }).click();
  await closed(page);
  await payoutTable(page).getByText('unanswered').waitFor();

  await openAs(page, owner, '/machines');
  await payoutTable(page).getByRole('button', { name: 'Dispute' }).click();
  const dispute = dialog.getByRole('button', { name: 'Dispute' });
  expect(await dispute.isDisabled()).toBe(true);
  await dialog.getByLabel('Reason (public)').fill('Nothing has arrived');
  await dispute.click();
  await closed(page);
  await payoutTable(page).getByText('disputed').waitFor();
  await expectAccessible(page, 'payouts to a provider');
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(PHONE.width);

  await openAs(page, admin, '/admin/payouts?status=disputed');
  await page.getByTitle('Nothing has arrived').waitFor();
  await expectAccessible(page, 'payouts for administrators');
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(PHONE.width);
  await page.getByRole('button', { name: 'Withdraw' }).click();
  await dialog.getByLabel('Reason (public)').fill('The transfer bounced');
  await dialog.getByRole('button', { name: 'Withdraw' }).click();
  await page.getByText('No payout has this status').waitFor();
  const half = Math.floor(payable * 5e5) / 1e6;
  await adminClient().payouts.create({ to: address, amount: half, method: 'Cash' });

  await openAs(page, owner, '/machines');
  await payoutTable(page).getByRole('button', { name: 'Confirm' }).click();
  await dialog.getByRole('button', { name: 'Confirm' }).click();
  await closed(page);
  await payoutTable(page).getByText('confirmed').waitFor();
  await page.getByText(`${half} confirmed`).waitFor();
  const { items: all } = await network.client.payouts.list().page();
  expect(all.map(({ status }) => status)).toEqual(['confirmed', 'withdrawn']);
  expect(all[1]?.updates.map(({ metadata }) => metadata.reason)).toEqual([
    'Nothing has arrived',
    'The transfer bounced',
  ]);
  const { balance, earnings } = await network.client.accounts.own();
  expect(earnings).toMatchObject({ earned, paid: half, confirmed: half, disputed: 0 });

  // The balance over time ends with what the account has, and its days have all that was moved, back and forth.
  const { store, operations } = network.coordinator.modules;
  while (await runStep(store, operations.countAccountDays));
  await goTo(page, `${network.url}/addresses/${address}`);
  await page.getByRole('region', { name: 'Balance over time' }).getByText('Table').click();
  const days = page.getByRole('row').filter({ has: page.getByRole('rowheader') });
  await days.first().waitFor();
  const cells = await days.evaluateAll(rows =>
    rows.map(row => Array.from(row.querySelectorAll('td'), cell => Number(cell.textContent))),
  );
  const sum = (column: number) => cells.reduce((sum, row) => sum + (row[column] ?? Number.NaN), 0);
  expect(cells[0]?.[0]).toBeCloseTo(balance, 6);
  expect(sum(1)).toBeCloseTo(10 + earned + payable, 6);
  expect(sum(2)).toBeCloseTo(earned + payable + half, 6);
  expect(faults.filter(fault => !/409/.test(fault))).toEqual([]);
});

test('an administrator gives a key another tier and a budget', async context => {
  const { page } = await visit(browser, context, network.url);
  await openAs(page, admin, '/admin/keys');
  await page.getByRole('button', { name: 'Change client+miner+keys' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('the web shop');
  await dialog.getByLabel('Tier of limits').selectOption('gold');
  await dialog.getByLabel('Credits a day').fill('2.5');
  await expectAccessible(page, 'the form for a key');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await closed(page);
  const row = page.getByRole('row').filter({ hasText: 'the web shop' });
  await row.getByText('gold').waitFor();
  await row.getByText(/of 2.5 a day/).waitFor();
  const changed = await adminClient().apiKeys.get(owner.id);
  expect(changed).toMatchObject({ name: 'the web shop', tier: 'gold', budget: { day: 2.5, month: null } });

  await openAs(page, owner, '/keys');
  await page.getByRole('button', { name: 'Manage the web shop' }).click();
  await dialog.getByRole('button', { name: 'Change' }).click();
  await dialog.getByLabel('Credits a day').fill('');
  await dialog.getByLabel('Name').fill('the shop');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByText('no limit').waitFor();
  expect(await adminClient().apiKeys.get(owner.id)).toMatchObject({
    name: 'the shop',
    tier: 'gold',
    budget: null,
  });
});

test('a webhook is edited, and keeps its secret', async context => {
  const { id } = await network.client.webhooks.create({
    ...{ url: 'http://127.0.0.1:9/old', events: ['job.completed'] },
  });
  const { page } = await visit(browser, context, network.url);
  await openAs(page, owner, `/webhooks/${id}`);
  await page.getByRole('button', { name: 'Edit', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('URL').fill('nowhere');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByRole('alert').waitFor();
  await dialog.getByLabel('URL').fill('http://127.0.0.1:9/new');
  await dialog.getByLabel('Description').fill('answers for the shop');
  await dialog.getByRole('checkbox', { name: 'job.failed' }).check();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await closed(page);
  await page.getByText('answers for the shop').waitFor();
  expect(await network.client.webhooks.get(id)).toMatchObject({
    url: 'http://127.0.0.1:9/new',
    events: ['job.completed', 'job.failed'],
    description: 'answers for the shop',
  });
});

test('usage is downloaded as CSV, whose sums are those of the page', async context => {
  const { page } = await visit(browser, context, network.url);
  await openAs(page, owner, '/usage');
  const downloading = page.waitForEvent('download');
  await page.getByRole('button', { name: 'CSV' }).click();
  const download = await downloading;
  expect(download.suggestedFilename()).toMatch(/^usage-\d{4}-\d\d-\d\d-\d{4}-\d\d-\d\d\.csv$/);
  const rows: Record<string, string>[] = parse(await readFile(await download.path(), 'utf8'), {
    columns: true,
  });
  const { items } = await network.client.usage.list({ group_by: 'model' }).page();
  const sum = (name: 'jobs' | 'credits') => rows.reduce((sum, row) => sum + Number(row[name]), 0);
  expect(sum('jobs')).toBe(items.reduce((sum, { jobs }) => sum + jobs, 0));
  expect(sum('credits')).toBeCloseTo(
    items.reduce((sum, { credits }) => sum + credits, 0),
    6,
  );
  expect([sum('jobs'), new Set(rows.map(({ model }) => model))]).toEqual([3, new Set(['llama3.2'])]);
});
