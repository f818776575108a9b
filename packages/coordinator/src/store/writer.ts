import type { Call, Result } from './batcher.ts';
import type { StoreEvent } from './events.ts';

export interface Committed {
  results: readonly Result[];
  events: readonly StoreEvent[];
}

/** What an engine writes batches with. */
export interface Writer {
  /**
   * Resolves once the calls are durable. Rejects with StoreUnavailable. Calls `sent` when there is no more to do here
   * than to wait, so that the next ones may be committed meanwhile.
   *
   * @param now milliseconds since the epoch; the engine's own clock unless given
   */
  commit(calls: readonly Call[], now: number | undefined, sent: () => void): Promise<Committed>;
  close(): Promise<void>;
}
