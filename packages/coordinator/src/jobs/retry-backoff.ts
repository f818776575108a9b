/** The longest pause before another attempt. */
export const LONGEST_BACKOFF_MS = 10 * 60_000;

/**
 * Returns the pause after a failed attempt, in ms. It doubles with each attempt.
 *
 * @param attempts the attempts so far, at least 1
 * @param firstMs the pause after the first attempt
 */
export const retryBackoffMs = (attempts: number, firstMs: number): number =>
  Math.min(firstMs * 2 ** (attempts - 1), LONGEST_BACKOFF_MS);
