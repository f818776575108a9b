import type { Histogram } from 'node:perf_hooks';

export const PARTS = ['submit', 'claim', 'complete', 'submit-to-result', 'fetch'] as const;

/** How the load generator reads a result: by a GET after the completion, by a GET that waits for it, or not at all. */
export const FETCHES = ['get', 'wait', 'none'] as const;
export type Fetch = (typeof FETCHES)[number];

/** In milliseconds. */
export interface Latency {
  p50: number;
  p99: number;
}

/** Null for what did not happen: jobs behind a long backlog have no result within the run. */
export type Latencies = Record<(typeof PARTS)[number], Latency | null>;

/** The mean number of cores in use during a run. Null when the system does not report it. */
export interface Cores {
  generator: number;
  server: number | null;
  /** The processes of the server's database, if it has its own. */
  database: number | null;
  /** All processes. */
  busy: number | null;
  /** Busy or idle. It is less than the number of cores when a host gives time to others. */
  given: number | null;
}

/** The result of one run of the load generator. */
export interface LoadResult {
  lifecycles: number;
  perSecond: number;
  /** Claims that were answered without a job although one was pending. */
  emptyClaims: number;
  cores: Cores;
  latencies: Latencies;
}

/** What readers of streams of tokens saw. */
export interface StreamsRead {
  /** The time of a token from the engine to its reader. */
  delay: Latency;
  /** The time from the request to the first token, of all streams: those that began before the measurement included. */
  firstToken: Latency;
  /** All tokens, those before the measurement included. */
  tokens: number;
  tokensPerSecond: number;
}

/** Returns the median result by `by`, as the machine's speed varies between runs. */
export function medianOf<R>(results: readonly R[], by: (result: R) => number): R {
  const sorted = [...results].sort((a, b) => by(a) - by(b));
  const median = sorted[Math.floor(sorted.length / 2)];
  if (median === undefined) throw new Error('No run, no median');
  return median;
}

/** Reads a histogram in microseconds. Null when it is empty. */
export function latencyOf(histogram: Histogram): Latency | null {
  if (histogram.count === 0) return null;
  return { p50: histogram.percentile(50) / 1000, p99: histogram.percentile(99) / 1000 };
}

/** Seconds of the server and its database for one lifecycle; NaN where the system does not tell. */
export const processorTimeOf = ({ cores: { server, database }, perSecond }: LoadResult): number =>
  ((server ?? Number.NaN) + (database ?? 0)) / perSecond;
