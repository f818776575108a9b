import type { Operation, Outcome } from './operation.ts';

/** One requested write. */
export interface WriteCall {
  operation: Operation<never, unknown>;
  input: unknown;
}

/** Whether a batch of these calls may resolve before it is on disk. */
export const mayResolveBeforeSync = (calls: readonly WriteCall[]): boolean =>
  calls.every(({ operation }) => operation.resolvesBeforeSync === true);

/** The outcome of a call, or the error that rolled it back. */
export type WriteResult = { outcome: Outcome<unknown> } | { error: unknown };

/**
 * Commits a batch of calls. Resolves once they are durable, with one result for each call, in the same order. It may
 * call `sent` earlier, as soon as it can take the next batch, which is then committed after this one.
 */
export type CommitBatch = (calls: readonly WriteCall[], sent: () => void) => Promise<readonly WriteResult[]>;

export interface Batcher {
  write<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Outcome<Output>>;
  /** Resolves when no write is queued or being committed. */
  idle(): Promise<void>;
}

interface Pending {
  call: WriteCall;
  resolve(outcome: Outcome<unknown>): void;
  reject(error: unknown): void;
}

export interface BatcherOptions {
  /** The largest number of calls in one batch. */
  maxBatch: number;
  /** How many batches may be open (taken but not durable) at once. */
  maxOpen: number;
}

/**
 * Group commit: the calls that arrive while a batch is being committed form the next batch. Few open batches make
 * larger ones, and most of a batch's cost does not depend on its size. No call is answered before its transaction is
 * committed, so an acknowledged write survives a crash at any point.
 */
export function createBatcher(commit: CommitBatch, { maxBatch, maxOpen }: BatcherOptions): Batcher {
  const queue: Pending[] = [];
  let openBatches = 0;
  /** Whether a batch was taken and is not sent yet. */
  let isSending = false;
  let isScheduled = false;
  const idleWaiters: (() => void)[] = [];

  const canDispatch = () => queue.length > 0 && !isSending && openBatches < maxOpen;

  /** Waits for the end of this turn of the event loop, so that all calls of the turn share one batch. */
  function schedule() {
    if (isScheduled || !canDispatch()) return;
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      dispatch();
    });
  }

  function dispatch() {
    if (!canDispatch()) return;
    openBatches++;
    isSending = true;
    void settle(queue.splice(0, maxBatch));
  }

  async function settle(batch: readonly Pending[]) {
    let isSent = false;
    const markSent = () => {
      if (!isSent) isSending = false;
      isSent = true;
      schedule();
    };
    let results: readonly WriteResult[];
    try {
      results = await commit(
        batch.map(pending => pending.call),
        markSent,
      );
    } catch (error) {
      results = batch.map(() => ({ error }));
    }
    openBatches--;
    markSent();
    for (const [index, { resolve, reject }] of batch.entries()) {
      const result = results[index] ?? { error: new Error('A write was left unanswered') };
      if ('outcome' in result) resolve(result.outcome);
      else reject(result.error);
    }
    if (openBatches === 0 && queue.length === 0) for (const idle of idleWaiters.splice(0)) idle();
  }

  return {
    write(operation, input) {
      return new Promise((resolve, reject) => {
        queue.push({ call: { operation, input }, resolve, reject } as unknown as Pending);
        schedule();
      });
    },
    async idle() {
      if (openBatches > 0 || queue.length > 0) await new Promise<void>(idle => idleWaiters.push(idle));
    },
  };
}
