import { type Batcher, createBatcher } from './batcher.ts';
import type { StoreEvent } from './events.ts';
import { StoreUnavailable } from './unavailable.ts';
import type { Writer } from './writer.ts';

/** Accepts writes and forms batches of them. */
export interface Writes {
  readonly write: Batcher['write'];
  /** Calls `listener` with each commit's events, before its writes resolve. Must be called once, before the first write. */
  onCommit(listener: (events: readonly StoreEvent[]) => void): void;
  /** Waits for the writes in progress, then closes the writer. */
  close(): Promise<void>;
}

export interface WritesOptions {
  /** Returns ms since the epoch; the engine's own clock unless given. */
  now: (() => number) | undefined;
  /** The largest number of calls in one batch. */
  maxBatch: number;
}

/** Forms batches and commits them by `writer`. */
export function createWrites(writer: Writer, { now, maxBatch }: WritesOptions): Writes {
  let notify: (events: readonly StoreEvent[]) => void = () => {};
  const batcher = createBatcher(
    async (calls, sent) => {
      const began = performance.now();
      const { results, events } = await writer.commit(calls, now?.(), sent);
      notify([...events, { type: 'batch.committed', writes: calls.length, ms: performance.now() - began }]);
      return results;
    },
    { maxBatch, maxOpen: writer.maxOpen },
  );
  let isClosed = false;
  return {
    write: (operation, input) => (isClosed ? rejectClosed() : batcher.write(operation, input)),
    onCommit(listener) {
      notify = listener;
    },
    async close() {
      await batcher.idle();
      isClosed = true;
      await writer.close();
    },
  };
}

/** Rejects a write after the close. On PostgreSQL the write would connect again and keep the process alive. */
const rejectClosed = (): Promise<never> =>
  Promise.reject(new StoreUnavailable(new Error('The store is closed')));
