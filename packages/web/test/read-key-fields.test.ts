import { expect, test } from 'vitest';
import { readBudget, readDays } from '../src/pages/keys/read-key-fields.ts';

test('empty fields are no limit', () => {
  expect(readBudget({ day: ' ', month: '' })).toBeUndefined();
  expect(readBudget({ day: '5', month: '' })).toEqual({ day: 5 });
  expect(readDays('')).toBeUndefined();
  expect(readDays('1', 0)).toBe('1970-01-02T00:00:00.000Z');
});

test.each(['many', '-1', 'Infinity days'])('“%s” is no number of credits and no number of days', text => {
  expect(() => readBudget({ total: text })).toThrow('Credits must be a number');
  expect(() => readDays(text)).toThrow('Days must be a number');
});
