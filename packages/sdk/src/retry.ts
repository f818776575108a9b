import { ConnectionError, CoordinatorError, TimeoutError } from './errors.ts';

const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 8_000;
/** Who is asked to wait longer than this should know it, rather than hang. */
const LONGEST_RETRY_AFTER_MS = 60_000;

/**
 * Milliseconds to wait before the next try, exponential with full jitter and on top of `Retry-After`;
 * `null` when another try could not help or could do harm.
 *
 * @param repeatable whether sending the request twice leaves the same state as sending it once
 * @param retries tries already made after the first
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

/** The `Retry-After` header, whole seconds or an HTTP date, as seconds from `now` (milliseconds). */
export function parseRetryAfter(header: string | null, now: number): number | undefined {
  if (header === null || header.trim() === '') return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - now) / 1000);
}
