import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createBackoff } from '../src/backoff.ts';

const ms = fc.integer({ min: 1, max: 120_000 });

test('each wait is between half and all of a time that doubles with each try, up to the longest', () => {
  fc.assert(
    fc.property(ms, ms, fc.integer({ min: 0, max: 1_100 }), (first, longest, tries) => {
      const backoff = createBackoff({ first, longest });
      for (let done = 0; done < tries; done++) backoff.next();
      const full = Math.min(longest, first * 2 ** tries);
      const wait = backoff.next();
      expect(wait).toBeGreaterThanOrEqual(full / 2);
      expect(wait).toBeLessThanOrEqual(full);
    }),
  );
});

test('a success makes the next wait short again', () => {
  const backoff = createBackoff({ first: 8, longest: 1_000 });
  for (let tries = 0; tries < 5; tries++) backoff.next();
  backoff.reset();
  expect(backoff.next()).toBeLessThanOrEqual(8);
});
