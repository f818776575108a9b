import type { LeaseConfig } from './leases/options.ts';

/** The limits of attempts, in ms. */
export interface LeasePolicy {
  /** How long a lease lasts without a heartbeat. */
  leaseMs: number;
  /** How long an attempt may last. */
  timeoutMs: number;
  /** The pause after a first failed attempt. It doubles with each further one. */
  backoffMs: number;
}

export const leasePolicy = (
  config: Pick<LeaseConfig, 'leaseSeconds' | 'jobTimeoutSeconds' | 'retryBackoffSeconds'>,
): LeasePolicy => ({
  leaseMs: config.leaseSeconds * 1000,
  timeoutMs: config.jobTimeoutSeconds * 1000,
  backoffMs: config.retryBackoffSeconds * 1000,
});

/**
 * Returns the deadline of an attempt that starts now: after the time limit, or earlier if the price limit pays for less
 * time.
 */
export function deadlineFor(
  { max_price }: { max_price: number | null },
  rate: number,
  now: number,
  policy: LeasePolicy,
): number {
  const paidMs = max_price === null || rate === 0 ? Infinity : (max_price / rate) * 1000;
  return now + Math.floor(Math.min(policy.timeoutMs, paidMs));
}

/** Returns when a lease that is taken or extended now ends. It never ends after the attempt's deadline. */
export const leaseEnd = (now: number, deadline: number, { leaseMs }: LeasePolicy): number =>
  Math.min(now + leaseMs, deadline);
