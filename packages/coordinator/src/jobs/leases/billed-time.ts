import type { WriteContext } from '../../store/operation.ts';
import type { JobRow } from '../job.ts';
import { deadlineFor, type LeasePolicy } from '../lease.ts';

/*
 * How long an attempt ran, as far as it is charged for: from its claim to its end, without the time in which no
 * coordinator ran, and not past the deadline that its claim set. Where this process saw the claim, a step of the clock
 * in between does not count. Otherwise the job's times do, which the sweep moves along when the clock is set.
 */

/** Notes when attempts begin, by the monotonic clock of the process. */
export interface Stopwatch {
  start(job: JobRow, uptime: number): void;
  /** How long the attempt that runs has run, in ms; undefined where another process saw it begin. */
  elapsedMs(job: JobRow, uptime: number): number | undefined;
}

/** Attempts that are remembered, the newest: more than run at once. */
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
  /** Credits for a second, which `max_price` may limit; 0 where time costs nothing. */
  rateOf(model: string): number;
  stopwatch: Stopwatch;
}

/** The two clocks run apart by less than that where nobody has set one. */
const APART_MS = 1_000;

/** What of the time of a run is charged for, and what of it is not. */
export interface BilledTime {
  /** Not after the end of the run. */
  startedAt: number;
  durationMs: number;
  unbilledMs: number;
}

/**
 * @param reportedAt when the miner said, in a signed completion, that it was done. It may ask for less time; a time
 * before the claim, or after now, is its clock's mistake and counts for nothing
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
 * How long the claim let the attempt run. An absence of the coordinator may have moved the deadline since, also of an attempt
 * that began after the last sweep, of which nobody knows for how long no coordinator ran.
 */
function timeLimitOf(job: JobRow, policy: BilledTimePolicy): number {
  const limit = (job.deadline ?? Infinity) - (job.started_at ?? 0);
  return Math.min(limit, deadlineFor(job, policy.rateOf(job.model), 0, policy));
}
