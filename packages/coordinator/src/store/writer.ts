import type { WriteCall, WriteResult } from './batcher.ts';
import type { StoreEvent } from './events.ts';

export interface Committed {
  results: readonly WriteResult[];
  events: readonly StoreEvent[];
}

/** Commits batches to one engine. */
export interface Writer {
  /**
   * How many batches may be taken and not durable at once: with 2, one is prepared while the one before it is committed.
   */
  readonly maxOpen: number;
  /** Resolves once what reads have seen so far is on disk. Undefined where reads see only what is. */
  readonly syncUnderWay: Promise<void> | undefined;
  /**
   * Resolves once the calls are durable. Rejects with StoreUnavailable.
   *
   * @param now ms since the epoch; the engine's own clock unless given
   * @param sent called when the batch is on its way to the disk, so that the next one can be prepared meanwhile
   */
  commit(calls: readonly WriteCall[], now: number | undefined, sent: () => void): Promise<Committed>;
  close(): Promise<void>;
}
