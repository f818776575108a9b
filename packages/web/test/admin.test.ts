import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { withBrowser } from '../../../test/browser.ts';
import { type TestKey, withNetwork } from './network.ts';
import { expectAccessible, loaded, THEMES, visit } from './visitor.ts';

const network = withNetwork({ mode: 'keyed', keyCacheSeconds: 0 });
const browser = withBrowser();
let admin: TestKey;

beforeAll(async () => {
  admin = await network.key('admin');
  await network.run('Hello');
  await network.client.jobs.submit({ prompt: 'Hello', model: 'mixtral' });
  await network.client.jobs.submit({ prompt: 'Hello', model: 'mixtral' });
});

async function signIn(page: Page, key: TestKey): Promise<void> {
  await page.getByRole('main').getByLabel('API key').fill(key.secret);
  await page.keyboard.press('Enter');
}

const PAGES = [
  ['/admin', 'Administration'],
  ['/admin/keys', 'Keys of all accounts'],
  ['/admin/grants', 'Grants'],
  ['/admin/payouts', 'Payouts'],
  ['/admin/audit', 'Audit log'],
  ['/admin/audit?action=nothing', 'Audit log'],
  ['/admin/configuration', 'Configuration'],
  ['/admin/configuration?q=nothing', 'Configuration'],
] as const;

test.for(THEMES)('administrators can use each page on a phone, in %s colours', async (theme, context) => {
  const size = { width: 360, height: 740 };
  const { page, faults } = await visit(browser, context, `${network.url}/admin`, { theme, ...size });
  await expectAccessible(page, 'the form to sign in');
  await signIn(page, admin);
  for (const [path, title] of PAGES) {
    await page.evaluate(to => {
      history.pushState({}, '', to);
      dispatchEvent(new PopStateEvent('popstate'));
    }, path);
    await page.getByRole('heading', { level: 1, name: title }).waitFor();
    await loaded(page);
    await expectAccessible(page, path);
    expect(await page.evaluate(() => document.documentElement.scrollWidth), path).toBe(360);
  }
  expect(faults).toEqual([]);
});

test('what is wrong comes first, with what to do', async context => {
  const { page } = await visit(browser, context, `${network.url}/admin`);
  await signIn(page, admin);
  const wrong = page.getByRole('region', { name: 'What is wrong now' });
  await wrong.getByText('2 jobs wait for mixtral, which no live miner offers.').waitFor();
  await wrong.getByText('Start a miner with this model').waitFor();
});

test('suspending a miner says what follows, asks, and is in the audit log', async context => {
  const { page, faults } = await visit(browser, context, `${network.url}/admin`);
  await signIn(page, admin);
  await page.getByRole('button', { name: 'Suspend gpu-one' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('All miners of its owner get no new jobs').waitFor();
  await expectAccessible(page, 'the question');
  await dialog.getByRole('button', { name: 'Leave it as it is' }).click();
  expect((await network.client.miners.get('gpu-one')).reputation.suspended_at).toBeNull();
  await page.getByRole('button', { name: 'Suspend gpu-one' }).click();
  await dialog.getByRole('button', { name: 'Suspend' }).click();
  await page.getByText('gpu-one is suspended, so it gets no jobs.').waitFor();
  await page.getByRole('button', { name: 'Reinstate gpu-one' }).click();
  await dialog.getByRole('button', { name: 'Reinstate' }).click();
  await page.getByRole('button', { name: 'Suspend gpu-one' }).waitFor();
  await page.getByRole('link', { name: 'Audit log' }).click();
  const log = page.getByRole('table', { name: 'Administrative actions, newest first' });
  await log.getByText('miner.reinstate').waitFor();
  await log.getByText('miner.suspend').waitFor();
  expect(faults).toEqual([]);
});

test('a grant is asked about, made once, and listed', async context => {
  const { page } = await visit(browser, context, `${network.url}/admin/grants`);
  await signIn(page, admin);
  const { address } = await network.client.accounts.own();
  await page.getByLabel('To', { exact: true }).fill(address);
  await page.getByLabel('Credits', { exact: true }).fill('12.5');
  await page.getByLabel('Reason').fill('Welcome');
  await page.getByRole('button', { name: 'Grant 12.5 credits' }).click();
  await page.getByRole('dialog').getByText('can’t be taken back').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Grant' }).click();
  await page.getByRole('table', { name: 'Grants, newest first' }).getByText('Welcome').waitFor();
  expect((await network.client.explorer.address(address)).balance).toBeCloseTo(12.5, 0);
});

describe('without the scope admin', () => {
  test('nothing is shown, and the page says what is missing', async context => {
    const key = await network.key('client');
    const { page } = await visit(browser, context, `${network.url}/admin/configuration`);
    await signIn(page, key);
    await page.getByText('To look after this coordinator, a key needs the scope admin').waitFor();
    await expectAccessible(page, 'the wrong scope');
    expect(await page.getByRole('table').count()).toBe(0);
  });
});

test('a coordinator that is away is said to be, and the page recovers', async context => {
  const { page } = await visit(browser, context, `${network.url}/admin`);
  await signIn(page, admin);
  await page.getByText('2 jobs wait for mixtral').waitFor();
  await network.stop();
  await page.getByRole('alert').getByText('Could not load what is wrong').waitFor();
  await expectAccessible(page, 'a coordinator that is away');
  await network.start();
  await page.getByText('2 jobs wait for mixtral').waitFor();
});
