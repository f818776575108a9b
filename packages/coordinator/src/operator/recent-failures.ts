import { LRUCache } from 'lru-cache';
import type { StoreEvent } from '../store/events.ts';

/** The failures of each miner within the last minutes, which this process has seen. */
export interface RecentFailures {
  apply(events: readonly StoreEvent[]): void;
  /** Returns the miners with at least `least` failures, those with the most first. */
  list(least: number): { minerId: string; failures: number; since: number }[];
}

export const FAILURE_MINUTES = 10;
/** Miners choose their names, so those that failed longest ago are forgotten. */
const MAX_MINERS = 1_000;
const MAX_FAILURES = 100;

export function createRecentFailures(now: () => number): RecentFailures {
  const byMiner = new LRUCache<string, number[]>({ max: MAX_MINERS });
  return {
    apply(events) {
      for (const event of events) {
        if (event.type !== 'job.failed' && event.type !== 'lease.expired') continue;
        const { minerId } = event;
        if (minerId !== null)
          byMiner.set(minerId, [...(byMiner.get(minerId) ?? []), now()].slice(-MAX_FAILURES));
      }
    },
    list(least) {
      const from = now() - FAILURE_MINUTES * 60_000;
      return [...byMiner.entries()]
        .map(([minerId, times]) => ({ minerId, times: times.filter(time => time >= from) }))
        .filter(({ times }) => times.length >= least)
        .map(({ minerId, times }) => ({ minerId, failures: times.length, since: times[0] ?? from }))
        .sort((a, b) => b.failures - a.failures);
    },
  };
}
