import type { Operation, Outcome } from './operation.ts';

/** One write that was asked for. */
export interface Call {
  operation: Operation<never, unknown>;
  input: unknown;
}

/** What became of a call: its outcome, or the error that undid it. */
export type Result = { outcome: Outcome<unknown> } | { error: unknown };

/**
 * Commits calls together. Resolves once they are durable, with a result for each in their order. `sent` may be called
 * before that, when the next ones may come: they are committed after these.
 */
export type Commit = (calls: readonly Call[], sent: () => void) => Promise<readonly Result[]>;

export interface Batcher {
  write<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Outcome<Output>>;
  /** Resolves when nothing is queued or in flight. */
  idle(): Promise<void>;
}

interface Pending {
  call: Call;
  resolve(outcome: Outcome<unknown>): void;
  reject(error: unknown): void;
}

export interface BatcherOptions {
  /** Calls in one batch at most. */
  maxBatch: number;
}

/** Batches that were taken and are not durable yet, at most: one that is being committed, and one behind it. */
const MOST_UNDER_WAY = 2;

/**
 * Group commit: whatever arrives while a batch is under way forms the next one. Few at a time make batches larger, and
 * much of what a batch costs is the same however large it is. Nothing is answered before its transaction is committed,
 * so that an acknowledged write survives a crash at any point.
 */
export function createBatcher(commit: Commit, { maxBatch }: BatcherOptions): Batcher {
  const queue: Pending[] = [];
  let underWay = 0;
  /** A batch is not sent yet. */
  let isBusy = false;
  let scheduled = false;
  const idlers: (() => void)[] = [];

  const mayDispatch = () => queue.length > 0 && !isBusy && underWay < MOST_UNDER_WAY;

  /** Not at once: what arrives with this turn of the event loop belongs to one batch. */
  function schedule() {
    if (scheduled || !mayDispatch()) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      dispatch();
    });
  }

  function dispatch() {
    if (!mayDispatch()) return;
    underWay++;
    isBusy = true;
    void settle(queue.splice(0, maxBatch));
  }

  async function settle(batch: readonly Pending[]) {
    let isSent = false;
    const sent = () => {
      if (!isSent) isBusy = false;
      isSent = true;
      schedule();
    };
    let results: readonly Result[];
    try {
      results = await commit(
        batch.map(pending => pending.call),
        sent,
      );
    } catch (error) {
      results = batch.map(() => ({ error }));
    }
    underWay--;
    sent();
    for (const [index, { resolve, reject }] of batch.entries()) {
      const result = results[index] ?? { error: new Error('A write was left unanswered') };
      if ('outcome' in result) resolve(result.outcome);
      else reject(result.error);
    }
    if (underWay === 0 && queue.length === 0) for (const idle of idlers.splice(0)) idle();
  }

  return {
    write(operation, input) {
      return new Promise((resolve, reject) => {
        queue.push({ call: { operation, input }, resolve, reject } as unknown as Pending);
        schedule();
      });
    },
    async idle() {
      if (underWay > 0 || queue.length > 0) await new Promise<void>(idle => idlers.push(idle));
    },
  };
}
