import type { WriteCall, WriteResult } from './batcher.ts';
import type { Outcome, WriteContext } from './operation.ts';
import { StoreUnavailable } from './unavailable.ts';

/** The position of an operation in a batch, by its name. Lower positions come first. */
export type PositionOf = (name: string) => number;

/** Runs `work` in one transaction and resolves once it is committed. An error rolls it back. */
export type Transact = (work: (context: WriteContext) => Promise<void>) => Promise<void>;

/**
 * Runs calls in one transaction. If it fails, runs each call in a transaction of its own, so that one bad call does
 * not fail the others.
 */
export async function executeCalls(
  calls: readonly WriteCall[],
  transact: Transact,
  position: PositionOf,
): Promise<WriteResult[]> {
  let outcomes: Outcome<unknown>[] = [];
  try {
    await transact(async context => {
      outcomes = await applyCalls(calls, context, position);
    });
  } catch (error) {
    if (calls.length === 1 || concernsAllCalls(error)) return calls.map(() => ({ error }));
    const results: WriteResult[] = [];
    for (const call of calls) results.push(...(await executeCalls([call], transact, position)));
    return results;
  }
  return outcomes.map(outcome => ({ outcome }));
}

/** Whether the database itself failed, so that single calls would fail too. Damage affects only the calls that read it. */
const concernsAllCalls = (error: unknown) => error instanceof StoreUnavailable && error.fault !== 'damaged';

/** Applies each operation once, to all of its inputs in the batch, in the order of the operations' positions. */
export async function applyCalls(
  calls: readonly WriteCall[],
  context: WriteContext,
  position: PositionOf,
): Promise<Outcome<unknown>[]> {
  const outcomes: Outcome<unknown>[] = [];
  const kinds = Map.groupBy(calls.entries(), ([, call]) => call.operation);
  const ordered = [...kinds].sort(([a], [b]) => position(a.name) - position(b.name));
  for (const [operation, entries] of ordered) {
    const answers = await operation.apply(
      entries.map(([, call]) => call.input as never),
      context,
    );
    for (const [at, [index]] of entries.entries()) {
      const answer = answers[at];
      if (!answer) throw new Error(`${operation.name} left an input unanswered`);
      outcomes[index] = answer;
    }
  }
  return outcomes;
}
