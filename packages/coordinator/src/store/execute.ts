import type { Call, Result } from './batcher.ts';
import type { Outcome, WriteContext } from './operation.ts';
import { StoreUnavailable } from './unavailable.ts';

/** Where an operation stands in a batch, by its name: lower first. */
export type Position = (name: string) => number;

/** Runs `work` in one transaction and commits it before it resolves; an error rolls it back. */
export type Transact = (work: (context: WriteContext) => Promise<void>) => Promise<void>;

/** Runs calls in one transaction; where that fails, each in one of its own, so that a bad one takes no other with it. */
export async function execute(
  calls: readonly Call[],
  transact: Transact,
  position: Position,
): Promise<Result[]> {
  let outcomes: Outcome<unknown>[] = [];
  try {
    await transact(async context => {
      outcomes = await apply(calls, context, position);
    });
  } catch (error) {
    if (calls.length === 1 || isOfAll(error)) return calls.map(() => ({ error }));
    const results: Result[] = [];
    for (const call of calls) results.push(...(await execute([call], transact, position)));
    return results;
  }
  return outcomes.map(outcome => ({ outcome }));
}

/** Whether an error says nothing of the calls. Damage is somewhere: what does not meet it goes on. */
const isOfAll = (error: unknown) => error instanceof StoreUnavailable && error.fault !== 'damaged';

/** Applies each kind of operation once, to all its inputs, in the order of the kinds. */
export async function apply(
  calls: readonly Call[],
  context: WriteContext,
  position: Position,
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
