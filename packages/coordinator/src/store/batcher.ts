import { done, type Operation, type Outcome, type WriteContext } from './operation.ts';

interface Pending {
  operation: Operation<unknown, unknown>;
  input: unknown;
  resolve(outcome: Outcome<unknown>): void;
  reject(error: unknown): void;
}

/** Runs `work` in one transaction and commits it before it resolves; an error rolls it back. */
export type Transact = (work: (context: WriteContext) => Promise<void>) => Promise<void>;

export interface Batcher {
  write<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Outcome<Output>>;
  /** Resolves when nothing is queued or in flight. */
  idle(): Promise<void>;
}

/**
 * Group commit: whatever arrives while one transaction is in flight forms the next one. Nothing is answered
 * before its transaction is committed, so that an acknowledged write survives a crash at any point.
 */
export function createBatcher(transact: Transact, maxBatch: number): Batcher {
  const queue: Pending[] = [];
  let running: Promise<void> | undefined;

  async function drain() {
    while (queue.length > 0) {
      const batch = queue.splice(0, maxBatch);
      await commit(transact, batch);
    }
    running = undefined;
  }

  return {
    write(operation, input) {
      return new Promise((resolve, reject) => {
        queue.push({ operation, input, resolve, reject } as unknown as Pending);
        running ??= new Promise<void>(start => setImmediate(start)).then(drain);
      });
    },
    async idle() {
      while (running) await running;
    },
  };
}

async function commit(transact: Transact, batch: readonly Pending[]): Promise<void> {
  let outcomes: Map<Pending, Outcome<unknown>> | undefined;
  try {
    await transact(async context => {
      outcomes = await apply(batch, context);
    });
  } catch (error) {
    if (batch.length === 1) batch[0]?.reject(error);
    // One bad input must not take its neighbours with it: each gets a transaction of its own.
    else for (const pending of batch) await commit(transact, [pending]);
    return;
  }
  for (const pending of batch) pending.resolve(outcomes?.get(pending) ?? done(undefined));
}

async function apply(
  batch: readonly Pending[],
  context: WriteContext,
): Promise<Map<Pending, Outcome<unknown>>> {
  const outcomes = new Map<Pending, Outcome<unknown>>();
  const kinds = Map.groupBy(batch, pending => pending.operation);
  const ordered = [...kinds].sort(([a], [b]) => a.order - b.order);
  for (const [operation, pendings] of ordered) {
    const answers = await operation.apply(
      pendings.map(pending => pending.input),
      context,
    );
    pendings.forEach((pending, index) => {
      const answer = answers[index];
      if (!answer) throw new Error(`${operation.name} left an input unanswered`);
      outcomes.set(pending, answer);
    });
  }
  return outcomes;
}
