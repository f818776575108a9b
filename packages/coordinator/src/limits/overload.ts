import { fail } from '../errors.ts';

export interface Overload {
  /** Counts an account's jobs while they are being written. Throws RequestError with SYSTEM_OVERLOADED. */
  enter(accountId: number, jobs: number): () => void;
  /** Returns how late writes or the event loop have been, in ms. */
  lagMs(): number;
  close(): void;
}

export interface OverloadOptions {
  /** The lag from which the accounts with the most queued jobs are rejected. */
  limitMs: number;
}

/** The longest time between two checks of the event loop. */
const TICK_MS = 100;

/**
 * The event loop counts as late after this many late checks in a row. One late check may be a pause of the whole
 * machine.
 */
const LATE_TICKS = 3;

/** From this multiple of the limit on, every submission is rejected. */
const REJECT_ALL_FACTOR = 4;

/** The number of jobs from which an account's jobs count as a queue. Fewer jobs do not delay others. */
const MIN_QUEUED_JOBS = 4;

/**
 * Rejects new submissions while writes or the event loop are late, first those of the accounts with the most queued
 * jobs. Completions pass, because they free capacity.
 *
 * Lag is measured in the running time of this process, not in elapsed time: a process or machine that was paused is not
 * behind with its work.
 */
export function createOverload({ limitMs }: OverloadOptions): Overload {
  const tickMs = Math.min(TICK_MS, limitMs / 8);
  const longestStepMs = limitMs / 4;
  const queued = new Map<number, number>();
  /** When each unfinished write began, by `runningMs`, oldest first. */
  const waiting = new Set<{ since: number }>();
  let total = 0;
  let ranMs = 0;
  let checkedAt = performance.now();
  let lateness: readonly number[] = [];
  const ticker = setInterval(() => {
    ranMs = runningMs();
    const now = performance.now();
    lateness = [...lateness, now - checkedAt - tickMs].slice(-LATE_TICKS);
    checkedAt = now;
  }, tickMs);
  ticker.unref();

  /** Returns how long this process has run. A long time between two checks counts as a short one. */
  function runningMs(): number {
    return ranMs + Math.min(performance.now() - checkedAt, longestStepMs);
  }

  function lagMs(): number {
    const loopLagMs = lateness.length === LATE_TICKS ? Math.min(...lateness) : 0;
    const [oldest] = waiting;
    return Math.max(0, loopLagMs, oldest ? runningMs() - oldest.since : 0);
  }

  function isRejected(accountId: number, lag: number): boolean {
    if (lag > limitMs * REJECT_ALL_FACTOR && total >= MIN_QUEUED_JOBS) return true;
    const ownJobs = queued.get(accountId) ?? 0;
    return lag > limitMs && ownJobs >= MIN_QUEUED_JOBS && ownJobs * queued.size >= total;
  }

  return {
    lagMs,
    enter(accountId, jobs) {
      const lag = lagMs();
      if (isRejected(accountId, lag))
        fail('SYSTEM_OVERLOADED', 'The coordinator is behind with its writes: submit again later', {
          limit: 'overload',
          retryAfter: Math.max(1, Math.ceil(lag / 1000)),
        });
      const entry = { since: runningMs() };
      waiting.add(entry);
      queued.set(accountId, (queued.get(accountId) ?? 0) + jobs);
      total += jobs;
      return () => {
        if (!waiting.delete(entry)) return;
        total -= jobs;
        const left = (queued.get(accountId) ?? jobs) - jobs;
        if (left > 0) queued.set(accountId, left);
        else queued.delete(accountId);
      };
    },
    close: () => clearInterval(ticker),
  };
}
