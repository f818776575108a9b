import type { MeasuredAttempt } from '../../miners/speed.ts';
import type { WriteContext } from '../../store/operation.ts';
import type { Row } from '../../store/schema.ts';
import { bucketOf, FIRST_TOKEN_COUNTER } from './percentiles.ts';

export const TOKEN_COUNTER = 'tokens.completion';

/** Counts the tokens of answers and the times to their first token, for the overview. */
export async function countAnswers(runs: readonly MeasuredAttempt[], { tx }: WriteContext): Promise<void> {
  const counters: Row<'counter'>[] = [];
  for (const { startedAt, firstChunkAt, usage } of runs) {
    const { completion_tokens: tokens = 0 } = usage ?? {};
    if (tokens > 0) counters.push({ name: TOKEN_COUNTER, value: tokens });
    if (firstChunkAt !== null)
      counters.push({ name: `${FIRST_TOKEN_COUNTER}${bucketOf(firstChunkAt - startedAt)}`, value: 1 });
  }
  await tx.add('counter', counters);
}
