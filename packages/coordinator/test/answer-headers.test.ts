import { expect, test } from 'vitest';
import { headersOf, watchStream } from '../src/gateway/answer-headers.ts';

const ran = (miner_id: string, from: number, to: number) => ({
  miner_id,
  started_at: new Date(from).toISOString(),
  completed_at: new Date(to).toISOString(),
});

test('the overhead of an answer is what its longest job did not take', () => {
  expect(headersOf([ran('a', 1_000, 1_400), ran('b', 1_100, 1_900)], 1_000)).toEqual({
    'aitbc-miner-id': 'a, b',
    'aitbc-overhead-ms': '200.0',
  });
});

test('the overhead is never negative, whatever clocks say', () => {
  expect(headersOf([ran('a', 0, 9_000)], 100)['aitbc-overhead-ms']).toBe('0.0');
});

test('the headers of a stream have what is known when it begins', () => {
  let elapsed = 5;
  const watch = watchStream(() => elapsed);
  expect(watch.headers()).toEqual({ 'aitbc-overhead-ms': '5.0' });
  watch.running('job', 'a');
  elapsed = 90;
  watch.running('job', 'b');
  expect(watch.headers()).toEqual({ 'aitbc-miner-id': 'b', 'aitbc-overhead-ms': '5.0' });
});
