/*
 * Times to the first token are counted in buckets whose bounds grow by half each: from 16 ms to 53 s. Counters of
 * buckets add up over replicas and over time, which percentiles do not.
 */
const FIRST_BOUND_MS = 16;
const GROWTH = 1.5;
const BUCKETS = 21;

/** Returns the number of the bucket of a duration. The last bucket has no upper bound. */
export function bucketOf(ms: number): number {
  if (ms <= FIRST_BOUND_MS) return 0;
  const bucket = Math.ceil(Math.log(ms / FIRST_BOUND_MS) / Math.log(GROWTH));
  return Math.min(bucket, BUCKETS - 1);
}

/** Prefix of the counters of the buckets. */
export const FIRST_TOKEN_COUNTER = 'first_token.';

/** Returns how many durations each bucket got between two states of the counters. */
export function bucketCounts(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): number[] {
  const names = Array.from({ length: BUCKETS }, (_, bucket) => `${FIRST_TOKEN_COUNTER}${bucket}`);
  return names.map(name => Math.max((after.get(name) ?? 0) - (before.get(name) ?? 0), 0));
}

/**
 * Returns the duration in ms that this share of the counted ones does not exceed, interpolated within its bucket.
 *
 * @param share from 0 to 1
 */
export function percentile(counts: readonly number[], share: number): number {
  const rank = share * counts.reduce((sum, count) => sum + count, 0);
  let below = 0;
  for (const [bucket, count] of counts.entries()) {
    if (count > 0 && below + count >= rank) {
      const upper = FIRST_BOUND_MS * GROWTH ** bucket;
      const lower = bucket === 0 ? 0 : upper / GROWTH;
      return Math.round(lower + ((upper - lower) * (rank - below)) / count);
    }
    below += count;
  }
  return 0;
}
