import type { Locator } from 'playwright-core';
import { expect, test } from 'vitest';
import { PATIENT, withComponents } from '../../../test/components.ts';
import { expectAccessible } from '../../../test/visitor.ts';

const components = withComponents('components/chart/chart');

test('the legend has the last values, and those under the pointer', async context => {
  const { page, story } = await components.show(context, 'Lines');
  const legend = story.locator('figcaption');
  await legend.getByText('Jobs7').waitFor();
  const plot = story.locator('.u-over');
  await plot.hover({ position: { x: 2, y: 20 } });
  await legend.getByText('2026-01-01').waitFor();
  expect(await legend.locator('strong').allTextContents()).toEqual(['1', '0']);
  await page.mouse.move(0, 0);
  await legend.getByText('Jobs7').waitFor();
});

test('behind it is a table with the newest first, for those who do not see it', async context => {
  const { page, story } = await components.show(context, 'Lines');
  await story.getByText('Table').click();
  const rows = story.getByRole('table', { name: 'Jobs by day' }).getByRole('row');
  await rows.first().waitFor();
  expect(await rows.allTextContents()).toEqual([
    'TimeJobsFailed',
    ...['2026-01-0770', '2026-01-0660', '2026-01-0552', '2026-01-0440'],
    ...['2026-01-0331', '2026-01-0220', '2026-01-0110'],
  ]);
  await expectAccessible(page, 'a chart with its table');
});

/** Returns how wide the accent colour is in the lowest line of the plot, at both of its ends: `[first, last]` bars. */
const barWidths = (story: Locator) =>
  story.locator('canvas').evaluate(element => {
    const canvas = element as HTMLCanvasElement;
    const drawn = canvas.getContext('2d');
    const over = canvas.parentElement?.querySelector('.u-over') as HTMLElement;
    const scale = canvas.width / canvas.clientWidth;
    const left = Math.round(over.offsetLeft * scale);
    const bottom = Math.round((over.offsetTop + over.offsetHeight - 4) * scale);
    const line = drawn?.getImageData(left, bottom, Math.round(over.offsetWidth * scale), 1).data ?? [];
    const isDrawn = Array.from({ length: line.length / 4 }, (_, index) => (line[index * 4 + 3] ?? 0) > 200);
    const runs = isDrawn
      .map(one => (one ? '#' : ' '))
      .join('')
      .split(/ +/)
      .filter(run => run !== '');
    return { runs: runs.map(run => run.length), edges: [isDrawn[0], isDrawn.at(-1)] };
  });

test('the first and the last bar are as wide as the others', async context => {
  const { story } = await components.show(context, 'Bars');
  await story.locator('canvas').waitFor();
  await expect.poll(async () => (await barWidths(story)).runs.length, PATIENT).toBe(7);
  const { runs, edges } = await barWidths(story);
  expect(edges).toEqual([false, false]);
  expect(Math.max(...runs) - Math.min(...runs)).toBeLessThanOrEqual(2);
});

test('one day is a bar, too', async context => {
  const { story } = await components.show(context, 'OneDay');
  await story.locator('canvas').waitFor();
  await expect.poll(async () => (await barWidths(story)).runs.length, PATIENT).toBe(1);
});
