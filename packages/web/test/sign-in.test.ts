import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { withBrowser } from '../../../test/browser.ts';
import { withNetwork } from './network.ts';
import { expectAccessible, THEMES, visit } from './visitor.ts';

const network = withNetwork({ mode: 'keyed', keyCacheSeconds: 0 });
const browser = withBrowser();

const dialogOf = (page: Page) => page.getByRole('dialog');

const storedKey = (page: Page) => page.evaluate(() => sessionStorage.getItem('aitbc.key'));

async function enter(page: Page, key: string): Promise<void> {
  await dialogOf(page).getByLabel('API key').fill(key);
  await page.keyboard.press('Enter');
}

test('a key is kept for this tab only, and forgotten when its owner signs out', async context => {
  const { secret } = await network.key('client');
  const { page, faults } = await visit(browser, context, network.url);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await enter(page, secret);
  const account = page.getByRole('button', { name: /^Account with 0/ });
  await account.waitFor();
  expect(await page.evaluate(() => [Object.keys(localStorage), document.cookie])).toEqual([[], '']);
  await page.reload();
  await account.click();
  await dialogOf(page).getByText('client', { exact: true }).waitFor();
  const { address } = await network.client.accounts.own();
  await dialogOf(page).locator(`a[href="/addresses/${address}"]`).waitFor();
  const opened = page.context().waitForEvent('page');
  await page.evaluate(() => void open('/', '_blank', 'noopener'));
  const otherTab = await opened;
  await otherTab.getByRole('button', { name: 'Sign in' }).waitFor();
  await dialogOf(page).getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
  expect(await storedKey(page)).toBeNull();
  expect(faults).toEqual([]);
});

describe('a key that is not accepted', () => {
  test.for([
    ['nothing', '', 'Paste your API key'],
    ['no key', 'my password ✓', 'This is not an API key'],
    ['a key that nobody made', 'aitbc_nothing', 'Check that it was copied whole'],
  ] as const)('%s: the form says what to do', async ([, key, words], context) => {
    const { page } = await visit(browser, context, network.url);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await enter(page, key);
    await dialogOf(page).getByRole('alert').getByText(words).waitFor();
    expect(await storedKey(page)).toBeNull();
  });

  test('a key that was revoked meanwhile', async context => {
    const key = await network.key('client');
    const { page } = await visit(browser, context, network.url);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await enter(page, key.secret);
    await page.getByRole('button', { name: /^Account with/ }).waitFor();
    await key.revoke();
    await page.reload();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    expect(await storedKey(page)).toBeNull();
  });
});

test.for(THEMES)('everybody can use the form and the account, in %s colours', async (theme, context) => {
  const { secret } = await network.key('client');
  const { page } = await visit(browser, context, network.url, { theme, width: 360, height: 740 });
  await page.getByRole('button', { name: 'Sign in' }).click();
  await enter(page, 'aitbc_nothing');
  await dialogOf(page).getByRole('alert').waitFor();
  await expectAccessible(page, 'the form');
  await enter(page, secret);
  await page.getByRole('button', { name: /^Account with/ }).click();
  await dialogOf(page).getByText('Balance').waitFor();
  await expectAccessible(page, 'the account');
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
});
