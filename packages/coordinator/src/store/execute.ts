import type { Call, Result } from './batcher.ts';
import type { Outcome, WriteContext } from './operation.ts';
import { StoreUnavailable } from './unavailable.ts';

/** Runs `work` in one transaction and commits it before it resolves; an error rolls it back. */
export type Transact = (work: (context: WriteContext) => Promise<void>) => Promise<void>;

/** Runs calls in one transaction; where that fails, each in one of its own, so that a bad one takes no other with it. */
export async function execute(calls: readonly Call[], transact: Transact): Promise<Result[]> {
  let outcomes: Outcome<unknown>[] = [];
  try {
    await transact(async context => {
      outcomes = await apply(calls, context);
    });
  } catch (error) {
    if (calls.length === 1 || isOfAll(error)) return calls.map(() => ({ error }));
    const results: Result[] = [];
    for (const call of calls) results.push(...(await execute([call], transact)));
    return results;
  }
  return outcomes.map(outcome => ({ outcome }));
}

/** Whether an error says nothing of the calls. Damage is somewhere: what does not meet it goes on. */
const isOfAll = (error: unknown) => error instanceof StoreUnavailable && error.fault !== 'damaged';

/** Applies each kind of operation once, to all its inputs, in the order of the kinds. */
export async function apply(calls: readonly Call[], context: WriteContext): Promise<Outcome<unknown>[]> {
  const outcomes: Outcome<unknown>[] = [];
  const kinds = Map.groupBy(calls.entries(), ([, call]) => call.operation);
  const ordered = [...kinds].sort(([a], [b]) => a.order - b.order);
  for (const [operation, entries] of ordered) {
    const answers = await operation.apply(
      entries.map(([, call]) => call.input as never),
      context,
    );
    for (const [position, [index]] of entries.entries()) {
      const answer = answers[position];
      if (!answer) throw new Error(`${operation.name} left an input unanswered`);
      outcomes[index] = answer;
    }
  }
  return outcomes;
}
