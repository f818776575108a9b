import { expect, test } from 'vitest';
import { dailySums, rangeOf } from '../src/format/days.ts';

const NOON = Date.parse('2026-03-01T12:00:00Z');

test('a range ends today, in UTC, and days without a row are 0', () => {
  const range = rangeOf('7', NOON);
  expect([range.from, range.to, range.days.length]).toEqual(['2026-02-23', '2026-03-01', 7]);
  const rows = [
    { day: '2026-02-28', credits: 2 },
    { day: '2026-02-28', credits: 1 },
    { day: '2026-03-01', credits: 5 },
  ];
  expect(dailySums(range, rows, ({ credits }) => credits)).toEqual([0, 0, 0, 0, 0, 3, 5]);
});

test('a number that is no choice is the default', () => {
  expect(rangeOf('1000000000', NOON).days).toHaveLength(30);
});
