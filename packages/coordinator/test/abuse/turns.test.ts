import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createTurns } from '../../src/limits/turns.ts';

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['performance', 'setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate'],
  });
  // Nobody asked in the time before.
  vi.advanceTimersByTime(60_000);
});
afterEach(() => {
  vi.useRealTimers();
});

const SECONDS = 10;
const WORK_MS = 2;

/** Asks for one turn after another, and returns how long all of them lasted, in ms. */
async function takeTurns(share: number, othersAreThere: boolean): Promise<number> {
  const turns = createTurns({ atOnce: 1, share, othersAreThere: () => othersAreThere });
  const until = performance.now() + SECONDS * 1000;
  let spentMs = 0;
  while (performance.now() < until) {
    const taken = turns.take('somebody');
    let end: (() => void) | undefined;
    taken.then(done => {
      end = done;
    });
    for (let ms = 0; end === undefined && performance.now() < until; ms++)
      await vi.advanceTimersByTimeAsync(ms === 0 ? 0 : 1);
    if (end === undefined) break;
    await vi.advanceTimersByTimeAsync(WORK_MS);
    spentMs += WORK_MS;
    end();
    // The next request comes a little later.
    await vi.advanceTimersByTimeAsync(1);
  }
  return spentMs;
}

test('a caller that asks without end gets its share of the time, after one burst', async () => {
  const spentMs = await takeTurns(5, true);
  expect(spentMs).toBeGreaterThan((SECONDS * 1000) / 5 / 2);
  expect(spentMs).toBeLessThan((SECONDS * 1000) / 5 + 400);
});

test('a caller that is alone never waits', async () => {
  expect(await takeTurns(5, false)).toBeGreaterThan(SECONDS * 600);
});
