import type { Histogram } from 'node:perf_hooks';

export const PARTS = ['submit', 'claim', 'complete', 'submit-to-result'] as const;

/** In milliseconds. */
export interface Latency {
  p50: number;
  p99: number;
}

/** Null for what did not happen: jobs behind a long backlog have no result within the run. */
export type Latencies = Record<(typeof PARTS)[number], Latency | null>;

/** Mean number of cores in use during a run. Null where the system doesn't tell. */
export interface Cores {
  generator: number;
  server: number | null;
  /** The processes of the server's database, where it has some of its own. */
  database: number | null;
  /** All processes. */
  busy: number | null;
  /** Busy or idle: fewer than there are where a host gives their time to others. */
  given: number | null;
}

/** What one run of the load generator found. */
export interface LoadResult {
  lifecycles: number;
  perSecond: number;
  /** Claims that were answered with no job although one was pending. */
  emptyClaims: number;
  cores: Cores;
  latencies: Latencies;
}

/** The result in the middle by `by`: the machine's moods push others up or down. */
export function medianOf(results: readonly LoadResult[], by: (result: LoadResult) => number): LoadResult {
  const sorted = [...results].sort((a, b) => by(a) - by(b));
  const median = sorted[Math.floor(sorted.length / 2)];
  if (!median) throw new Error('No run, no median');
  return median;
}

/** Of a histogram in microseconds. Null where there is nothing in it. */
export function latencyOf(histogram: Histogram): Latency | null {
  if (histogram.count === 0) return null;
  return { p50: histogram.percentile(50) / 1000, p99: histogram.percentile(99) / 1000 };
}
