import { type BackoffOptions, createBackoff, pause } from './backoff.ts';
import { isPassing, retryAfterMs } from './link.ts';

/** After a job's deadline, for a coordinator that was away itself and gives leases a grace period. */
const GRACE_MS = 10 * 60_000;

export interface DeliveryOptions {
  /** Milliseconds until the job's deadline. */
  deadlineMs: number;
  backoff: BackoffOptions;
  signal: AbortSignal;
}

/**
 * Tells the coordinator something about a job, as often as it takes while the lease may be alive.
 *
 * @throws the coordinator's refusal, or the last failure when it takes too long or the signal aborts
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
