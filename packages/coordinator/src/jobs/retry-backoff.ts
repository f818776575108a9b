/** No pause before another attempt is longer. */
export const LONGEST_BACKOFF_MS = 10 * 60_000;

/**
 * How long a job pauses after an attempt that failed, in ms. The pause doubles with each attempt.
 *
 * @param attempts those that the job has had, at least one
 * @param firstMs the pause after the first of them
 */
export const retryBackoffMs = (attempts: number, firstMs: number): number =>
  Math.min(firstMs * 2 ** (attempts - 1), LONGEST_BACKOFF_MS);
