import { getEventListeners } from 'node:events';
import type { MinerJob } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { createSlots } from '../src/slots.ts';

const job = (job_id: string) => ({ job_id }) as MinerJob;

test('waiting for a free slot leaves no listeners on the signal', async () => {
  const slots = createSlots(1);
  const { signal } = new AbortController();
  for (let count = 0; count < 100; count++) {
    const work = Promise.withResolvers<void>();
    await slots.whenFree(signal);
    slots.take(job(`job-${count}`), () => work.promise);
    const free = slots.whenFree(signal);
    work.resolve();
    await free;
  }
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('waiting for a free slot ends when the signal aborts', async () => {
  const slots = createSlots(1);
  slots.take(job('job-1'), () => new Promise(() => {}));
  const stopping = new AbortController();
  const waiting = slots.whenFree(stopping.signal);
  stopping.abort();
  await waiting;
  await slots.whenFree(stopping.signal);
  expect(slots.free).toBe(0);
});
