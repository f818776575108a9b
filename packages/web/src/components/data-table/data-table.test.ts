import type { Locator } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { PATIENT, withComponents } from '../../../test/components.ts';
import { expectAccessible } from '../../../test/visitor.ts';

const components = withComponents('components/data-table/data-table');

const rowsIn = (story: Locator) => story.locator('tbody tr:not([aria-hidden])');
const linkTo = (story: Locator, index: number) =>
  story.getByRole('link', { name: `model-${index}`, exact: true });

test('a table is sorted by a click on its head, and says how', async context => {
  const { page, story } = await components.show(context, 'Short');
  await story.getByRole('button', { name: 'Size' }).click();
  const sorted = story.getByRole('columnheader', { name: 'Size' });
  await expect.poll(() => sorted.getAttribute('aria-sort'), PATIENT).toBe('descending');
  await sorted.getByRole('button').click();
  await expect.poll(() => sorted.getAttribute('aria-sort'), PATIENT).toBe('ascending');
  expect(await rowsIn(story).locator('td:nth-child(2)').allTextContents()).toEqual(['0', '1', '2']);
  expect(await story.getByRole('columnheader', { name: 'Note' }).getByRole('button').count()).toBe(0);
  expect(await story.getByRole('table').getAttribute('aria-rowcount')).toBeNull();
  await expectAccessible(page, 'a short table');
});

describe('with 5,000 rows', () => {
  test('only those in view are in the document, and each says which it is', async context => {
    const { page, story } = await components.show(context, 'Long');
    await linkTo(story, 0).waitFor();
    expect(await story.getByRole('table').getAttribute('aria-rowcount')).toBe('5001');
    expect(await rowsIn(story).count()).toBeLessThan(100);
    expect(await linkTo(story, 0).locator('xpath=ancestor::tr').getAttribute('aria-rowindex')).toBe('2');
    await expectAccessible(page, 'a long table');
    const height = await page.evaluate(() => document.documentElement.scrollHeight);
    expect(height).toBeGreaterThan(5_000 * 40);

    await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
    await linkTo(story, 4_999).waitFor();
    expect(await rowsIn(story).count()).toBeLessThan(100);
    expect(await rowsIn(story).last().getAttribute('aria-rowindex')).toBe('5001');
    expect(await linkTo(story, 0).count()).toBe(0);
    // What is left out takes as much room as it would. The last row has no line below it.
    const after = await page.evaluate(() => document.documentElement.scrollHeight);
    expect(Math.abs(after - height)).toBeLessThan(5);
  });

  test('somebody with a keyboard goes on to rows that were not there, and keeps the focus while scrolling', async context => {
    const { page, story } = await components.show(context, 'Long');
    await linkTo(story, 0).focus();
    for (let index = 1; index <= 60; index++) {
      await page.keyboard.press('Tab');
      // The next row is there before it is needed: those around the focus are rendered first.
      await linkTo(story, index + 1).waitFor({ state: 'attached' });
    }
    const focused = () => page.evaluate(() => document.activeElement?.textContent);
    expect(await focused()).toBe('model-60');
    await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
    await linkTo(story, 4_999).waitFor();
    expect(await focused()).toBe('model-60');
    await page.keyboard.press('Shift+Tab');
    await expect.poll(focused, PATIENT).toBe('model-59');
  });
});
