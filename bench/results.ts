export const PARTS = ['submit', 'claim', 'complete', 'submit-to-result'] as const;

/** In milliseconds. */
export type Latencies = Record<(typeof PARTS)[number], { p50: number; p99: number }>;

/** What one run of the load generator found. */
export interface LoadResult {
  lifecycles: number;
  perSecond: number;
  /** Cores that the generator itself took. */
  generatorCpu: number;
  latencies: Latencies;
}

/** The run in the middle by lifecycles/s: the machine's moods push others up or down. */
export function medianOf(results: readonly LoadResult[]): LoadResult {
  const sorted = [...results].sort((a, b) => a.perSecond - b.perSecond);
  const median = sorted[Math.floor(sorted.length / 2)];
  if (!median) throw new Error('No run, no median');
  return median;
}
