import { expect, test } from 'vitest';
import { withComponents } from '../../../test/components.ts';

const components = withComponents('components/pager/pager');

test('a list of one page has no pager', async context => {
  const { story } = await components.show(context, 'Only');
  await story.getByLabel('Address').waitFor({ state: 'attached' });
  expect(await story.getByRole('navigation').count()).toBe(0);
});

test('the first page has a next one, and the last one leads to the first', async context => {
  const first = await components.show(context, 'First');
  await first.story.getByText('50 keys').waitFor();
  expect(await first.story.getByRole('link').allTextContents()).toEqual(['Next page ']);
  await first.story.getByRole('link', { name: 'Next page' }).click();
  await first.story.getByLabel('Address').getByText('/?cursor=c2').waitFor();
  const last = await components.show(context, 'Last');
  await last.story.getByText('1 key', { exact: true }).waitFor();
  expect(await last.story.getByRole('link').allTextContents()).toEqual(['First page']);
});

test('a second list of a page has a cursor of its own in the URL', async context => {
  const { story } = await components.show(context, 'Second');
  await story.getByRole('link', { name: 'Next page' }).click();
  await story.getByLabel('Address').getByText('/?payouts=c3').waitFor();
});

test('the answer of the coordinator is one click away', async context => {
  const { page, story } = await components.show(context, 'WithJson');
  await story.getByRole('button', { name: 'JSON' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('"id": 7').waitFor();
  expect(await dialog.getByRole('link').getAttribute('href')).toBe('/v1/keys');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
});
