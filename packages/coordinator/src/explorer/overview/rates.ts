import { type FirstToken, OVERVIEW_LENGTHS, type RatePoint } from '@aitbc/protocol';
import { isoTime } from '../../store/numbers.ts';
import { TOKEN_COUNTER } from './answer-counters.ts';
import { bucketCounts, percentile } from './percentiles.ts';

type Counters = ReadonlyMap<string, number>;

interface Sample {
  at: number;
  counters: Counters;
}

/** What the counters say about the last minutes. It is kept in memory: each process measures from its own start. */
export interface RecentRates {
  /** Takes the counters as they are at `at`, in ms since the epoch. */
  sample(counters: Counters, at: number): void;
  /** When the last sample was taken. */
  sampledAt(): number;
  points(): RatePoint[];
  /** Returns null where no stream has begun within the last minutes. */
  firstToken(): FirstToken | null;
}

export function createRecentRates(): RecentRates {
  const samples: Sample[] = [];
  const points: RatePoint[] = [];
  return {
    sample(counters, at) {
      const last = samples.at(-1);
      // A clock that was set back begins anew.
      if (last && at < last.at) samples.length = points.length = 0;
      else if (last && at > last.at) points.push(pointBetween(last, { at, counters }));
      if (last?.at === at) samples.pop();
      samples.push({ at, counters });
      if (points.length > OVERVIEW_LENGTHS.rates) points.shift();
      if (samples.length > OVERVIEW_LENGTHS.rates + 1) samples.shift();
    },
    sampledAt: () => samples.at(-1)?.at ?? Number.NEGATIVE_INFINITY,
    points: () => [...points],
    firstToken() {
      const [first, last] = [samples[0], samples.at(-1)];
      const counts = first && last ? bucketCounts(first.counters, last.counters) : [];
      const count = counts.reduce((sum, one) => sum + one, 0);
      if (count === 0) return null;
      const [p50, p95, p99] = [0.5, 0.95, 0.99].map(share => percentile(counts, share)) as [
        number,
        number,
        number,
      ];
      return { p50, p95, p99, count };
    },
  };
}

const STATUSES = ['pending', 'running', 'completed', 'failed', 'cancelled'] as const;

function pointBetween(before: Sample, after: Sample): RatePoint {
  const seconds = (after.at - before.at) / 1000;
  const rate = (...names: readonly string[]) => {
    const growth = names.reduce(
      (sum, name) => sum + (after.counters.get(name) ?? 0) - (before.counters.get(name) ?? 0),
      0,
    );
    return Math.round((Math.max(growth, 0) / seconds) * 100) / 100;
  };
  return {
    time: isoTime(after.at),
    submitted: rate(...STATUSES.map(status => `jobs.${status}`)),
    completed: rate('jobs.completed'),
    failed: rate('jobs.failed'),
    cancelled: rate('jobs.cancelled'),
    tokens: rate(TOKEN_COUNTER),
  };
}
