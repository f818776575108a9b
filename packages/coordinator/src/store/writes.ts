import { type Batcher, createBatcher } from './batcher.ts';
import type { StoreEvent } from './events.ts';
import { StoreUnavailable } from './unavailable.ts';
import type { Writer } from './writer.ts';

/** Takes writes, in this thread or for another one. */
export interface Writes {
  readonly write: Batcher['write'];
  /** Calls `listener` with what each commit tells, before its writes are answered. To be called once, at first. */
  onCommit(listener: (events: readonly StoreEvent[]) => void): void;
  /** Waits for what is under way, then closes the writer. */
  close(): Promise<void>;
}

export interface WritesOptions {
  /** Milliseconds since the epoch; the engine's own clock unless given. */
  now: (() => number | undefined) | undefined;
  /** Calls in one batch at most. */
  maxBatch: number;
}

/** Writes in this thread. */
export function createWrites(writer: Writer, { now, maxBatch }: WritesOptions): Writes {
  let tell: (events: readonly StoreEvent[]) => void = () => {};
  const batcher = createBatcher(
    async (calls, sent) => {
      const { results, events } = await writer.commit(calls, now?.(), sent);
      tell(events);
      return results;
    },
    { maxBatch },
  );
  let isClosed = false;
  return {
    write: (operation, input) => (isClosed ? failLate() : batcher.write(operation, input)),
    onCommit(listener) {
      tell = listener;
    },
    async close() {
      await batcher.idle();
      isClosed = true;
      await writer.close();
    },
  };
}

/** Of a writer that is closed: on PostgreSQL it would connect once more, and keep the process from ending. */
export const failLate = (): Promise<never> =>
  Promise.reject(new StoreUnavailable(new Error('The store is closed')));
