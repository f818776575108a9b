import { type BackoffOptions, createBackoff, pause } from './backoff.ts';
import { isPassing, retryAfterMs } from './link.ts';

/**
 * How long after a job's deadline to keep trying. A coordinator that was away extends leases by a grace
 * period.
 */
const GRACE_MS = 10 * 60_000;

export interface DeliveryOptions {
  /** Milliseconds until the job's deadline. */
  deadlineMs: number;
  backoff: BackoffOptions;
  signal: AbortSignal;
}

/**
 * Repeats a call about a job while its lease may be alive, until the coordinator answers.
 *
 * @throws the coordinator's permanent error, or the last failure when time runs out or the signal aborts
 */
export async function deliver<T>(
  call: () => Promise<T>,
  { deadlineMs, backoff: options, signal }: DeliveryOptions,
): Promise<T> {
  const until = performance.now() + Math.max(deadlineMs, 0) + GRACE_MS;
  const backoff = createBackoff({ longest: 10_000, ...options });
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const wait = Math.max(backoff.next(), retryAfterMs(error));
      if (!isPassing(error) || performance.now() + wait > until) throw error;
      await pause(wait, signal);
      if (signal.aborted) throw error;
    }
  }
}
