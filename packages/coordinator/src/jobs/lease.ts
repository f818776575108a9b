import type { LeaseConfig } from './leases/options.ts';

/** How long attempts may last. All times are in ms. */
export interface LeasePolicy {
  /** A claim lasts so long without a heartbeat. */
  leaseMs: number;
  /** One attempt lasts at most so long. */
  timeoutMs: number;
  /** Pause after a first failed attempt; doubled with each further one. */
  backoffMs: number;
}

export const leasePolicy = (
  config: Pick<LeaseConfig, 'leaseSeconds' | 'jobTimeoutSeconds' | 'retryBackoffSeconds'>,
): LeasePolicy => ({
  leaseMs: config.leaseSeconds * 1000,
  timeoutMs: config.jobTimeoutSeconds * 1000,
  backoffMs: config.retryBackoffSeconds * 1000,
});

/** When an attempt that starts now must be over: the time limit, or sooner where the price limit pays for less. */
export function deadlineFor(
  { max_price }: { max_price: number | null },
  rate: number,
  now: number,
  policy: LeasePolicy,
): number {
  const paidMs = max_price === null || rate === 0 ? Infinity : (max_price / rate) * 1000;
  return now + Math.floor(Math.min(policy.timeoutMs, paidMs));
}

/** When a lease that is taken or extended now runs out: never after the attempt's deadline. */
export const leaseEnd = (now: number, deadline: number, { leaseMs }: LeasePolicy): number =>
  Math.min(now + leaseMs, deadline);
