import type { FirstToken } from '@aitbc/protocol';
import { LRUCache } from 'lru-cache';
import type { StoreEvent } from '../../store/events.ts';

/** The times to the first token of the last streams of each model. It is kept in memory, by each process for itself. */
export interface ModelFirstTokens {
  apply(events: readonly StoreEvent[]): void;
  /** Returns null where no stream of the model was measured. */
  of(model: string): FirstToken | null;
}

/** Of each model the last streams count. */
const MAX_STREAMS = 200;
/** Clients choose the names of models, so those that had no stream for longest are forgotten. */
const MAX_MODELS = 1_000;

export function createModelFirstTokens(): ModelFirstTokens {
  const byModel = new LRUCache<string, number[]>({ max: MAX_MODELS });
  return {
    apply(events) {
      for (const event of events) {
        if (event.type !== 'attempts.measured') continue;
        for (const { model, firstToken } of event.attempts)
          if (firstToken.length > 0)
            byModel.set(model, [...(byModel.get(model) ?? []), ...firstToken].slice(-MAX_STREAMS));
      }
    },
    of(model) {
      const times = byModel.peek(model)?.toSorted((a, b) => a - b);
      if (!times) return null;
      const at = (share: number) => Math.round(times[Math.ceil(share * times.length) - 1] ?? 0);
      return { p50: at(0.5), p95: at(0.95), p99: at(0.99), count: times.length };
    },
  };
}
