import { ConnectionError, CoordinatorError, TimeoutError } from './errors.ts';

const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 8_000;
/** A longer `Retry-After` is returned to the caller as an error instead of waiting. */
const LONGEST_RETRY_AFTER_MS = 60_000;

/**
 * Returns the milliseconds to wait before the next try: exponential with full jitter, in addition to
 * `Retry-After`. Returns `null` when another try can not help or may do harm.
 *
 * @param repeatable whether sending the request twice leaves the same state as sending it once
 * @param retries how many retries were made already
 */
export function retryDelay(
  error: unknown,
  { repeatable, retries, random }: { repeatable: boolean; retries: number; random: () => number },
): number | null {
  if (!mayRepeat(error, repeatable)) return null;
  const asked = error instanceof CoordinatorError ? (error.retryAfter ?? 0) * 1000 : 0;
  if (asked > LONGEST_RETRY_AFTER_MS) return null;
  return asked + random() * Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** retries);
}

function mayRepeat(error: unknown, repeatable: boolean): boolean {
  if (error instanceof CoordinatorError) {
    const refusedUntouched = error.status === 429 || error.status === 503;
    return refusedUntouched || (repeatable && error.status >= 500 && error.status !== 501);
  }
  return repeatable && (error instanceof ConnectionError || error instanceof TimeoutError);
}

/** Parses the `Retry-After` header, whole seconds or an HTTP date, to seconds from `now` (milliseconds). */
export function parseRetryAfter(header: string | null, now: number): number | undefined {
  if (header === null || header.trim() === '') return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - now) / 1000);
}
