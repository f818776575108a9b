import { expect, test } from 'vitest';
import { PATIENT, withComponents } from '../../../test/components.ts';

const components = withComponents('components/id/id');
const HASH = '8e92895d0e0c1c3a2b1f0d9e8c7b6a5958cb8e';

test.for([
  ['Short', '8e9289…58cb8e', HASH],
  ['Whole', HASH, HASH],
  ['Tiny', 'gpu-one', 'gpu-one'],
] as const)('%s: shown as %s, whole on hover and when copied', async ([name, shown, whole], context) => {
  const { page, story } = await components.show(context, name);
  const id = story.locator('code');
  await id.waitFor();
  expect([await id.textContent(), await id.getAttribute('title')]).toEqual([shown, whole]);
  await story.getByRole('button', { name: /^Copy/ }).click();
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText()), PATIENT).toBe(whole);
});

test('it leads to a page by its whole value, and its prefix stays whole', async context => {
  const { story } = await components.show(context, 'Linked');
  await story.getByRole('link').waitFor();
  expect(await story.getByRole('link').textContent()).toBe('rcpt-01kc0p…m6n1rx');
  expect(await story.getByRole('link').getAttribute('href')).toBe(
    '/receipts/rcpt-01kc0pq5w8e4z9k3v7t2m6n1rx',
  );
});
