import type { WriteContext } from '../../store/operation.ts';
import type { JobRow } from '../job.ts';
import { deadlineFor, type LeasePolicy } from '../lease.ts';

/*
 * The time that an attempt is billed for: from its claim to its end, without the time in which no coordinator ran, and
 * at most to the deadline that the claim set. If this process saw the claim, changes of the system clock do not matter.
 * Otherwise the job's times count, which the sweep corrects when the clock is set.
 */

/** Records when attempts begin, by the monotonic clock of this process. */
export interface Stopwatch {
  start(job: JobRow, uptime: number): void;
  /** Returns how long the current attempt has run, in ms, or undefined if another process started it. */
  elapsedMs(job: JobRow, uptime: number): number | undefined;
}

/** The number of attempts that are remembered, which is more than run at once. */
const REMEMBERED = 20_000;

export function createStopwatch(): Stopwatch {
  const starts = new Map<string, { attempt: number; uptime: number }>();
  return {
    start({ id, attempts }, uptime) {
      starts.delete(id);
      starts.set(id, { attempt: attempts, uptime });
      const [oldest] = starts.size > REMEMBERED ? starts.keys() : [];
      if (oldest !== undefined) starts.delete(oldest);
    },
    elapsedMs({ id, attempts }, uptime) {
      const start = starts.get(id);
      return start?.attempt === attempts && uptime >= start.uptime
        ? Math.round(uptime - start.uptime)
        : undefined;
    },
  };
}

export interface BilledTimePolicy extends LeasePolicy {
  /** Returns the credits per second that `max_price` may limit, or 0 if time costs nothing. */
  rateOf(model: string): number;
  stopwatch: Stopwatch;
}

/** The two clocks differ by less than this unless the system clock was set. */
const APART_MS = 1_000;

/** The billed and unbilled time of a run. */
export interface BilledTime {
  /** Never later than the end of the run. */
  startedAt: number;
  durationMs: number;
  unbilledMs: number;
}

/**
 * @param reportedAt when the miner finished, according to its signed completion. It may reduce the billed time. A time
 * before the claim or after now is ignored, because the miner's clock must be wrong
 */
export function billedTimeOf(
  job: JobRow,
  reportedAt: number | undefined,
  policy: BilledTimePolicy,
  { now, uptime }: Pick<WriteContext, 'now' | 'uptime'>,
): BilledTime {
  const claimedAt = job.started_at ?? now;
  const byClock = Math.max(now - claimedAt, 0);
  const watched = policy.stopwatch.elapsedMs(job, uptime);
  const passed = watched === undefined || Math.abs(watched - byClock) < APART_MS ? byClock : watched;
  const asked =
    reportedAt !== undefined && reportedAt >= claimedAt && reportedAt < now
      ? reportedAt - claimedAt
      : Infinity;
  const durationMs = Math.min(Math.max(passed - job.away_ms, 0), asked, timeLimitOf(job, policy));
  const startedAt = Math.min(claimedAt, now - durationMs);
  return { startedAt, durationMs, unbilledMs: now - startedAt - durationMs };
}

/**
 * Returns how long the claim allowed the attempt to run. An absence of the coordinator may have moved the deadline since.
 * For an attempt that began after the last sweep, nobody knows how much of its time was such an absence.
 */
function timeLimitOf(job: JobRow, policy: BilledTimePolicy): number {
  const limit = (job.deadline ?? Infinity) - (job.started_at ?? 0);
  return Math.min(limit, deadlineFor(job, policy.rateOf(job.model), 0, policy));
}
