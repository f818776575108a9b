import { expect, test } from 'vitest';
import { formatCredits, formatLarge } from '../src/format/numbers.ts';

test('what rounds to zero has no sign, and what is owed has one', () => {
  expect([formatLarge(-0.3), formatLarge(-1.2), formatCredits(-0.25)]).toEqual(['0', '-1', '-0.25']);
});
