import { describe, expect, test } from 'vitest';
import { withBrowser } from '../../../test/browser.ts';
import { withNetwork } from './network.ts';
import { expectAccessible, THEMES, visit } from './visitor.ts';

const network = withNetwork();
const browser = withBrowser();

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
    const [transaction] = await network.client.explorer.search(receipt_id).then(found => found.slice(-1));
    await newest.locator(`a[href="/transactions/${transaction?.id}"]`).waitFor();
    const blocks = page.getByRole('table', { name: 'Newest blocks' });
    await blocks.getByRole('link', { name: '1', exact: true }).waitFor();
    expect(faults).toEqual([]);
  });
});

describe.each(THEMES)('in %s colours', theme => {
  test.for([
    ['/', 'AI models'],
    ['/blocks', 'Blocks'],
    ['/blocks/1', 'Block 1'],
    ['/blocks/999999', 'Block'],
    ['/transactions', 'Transactions'],
    ['/search?q=nothing', 'Search'],
    ['/search', 'Search'],
  ] as const)('%s is there, and everybody can use it', async ([path, title], context) => {
    const { page, faults } = await visit(browser, context, network.url + path, { theme });
    await page.getByRole('heading', { level: 1, name: title }).waitFor();
    await page.locator('[role=status]:has-text("Loading")').waitFor({ state: 'detached' });
    await expectAccessible(page, path);
    expect(faults.filter(fault => !fault.includes('404'))).toEqual([]);
  });
});

test('the search leads to what a text names', async context => {
  const { page } = await visit(browser, context, network.url);
  const [transaction] = (await network.client.explorer.transactions({ limit: 1 }).page()).items;
  await page.keyboard.press('/');
  await page.keyboard.type(transaction?.hash ?? '');
  await page.keyboard.press('Enter');
  await page.waitForURL(`**/transactions/${transaction?.hash}`);
  await page.getByText('Signed statement').waitFor();
});
