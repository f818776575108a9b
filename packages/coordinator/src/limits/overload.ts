import { fail } from '../errors.ts';

export interface Overload {
  /** Counts an account's jobs while they are being written. Throws RequestError: SYSTEM_OVERLOADED. */
  enter(accountId: number, jobs: number): () => void;
  /** How late writes, or this thread, have been for a while, in ms. */
  lagMs(): number;
  close(): void;
}

export interface OverloadOptions {
  /** Lag from which the accounts with most in the queue are refused. */
  limitMs: number;
}

/** How often the event loop is looked at, in ms, at least. */
const TICK_MS = 100;

/** The event loop lags when so many looks in a row come late. One late look may be a pause of the whole machine. */
const LATE_TICKS = 3;

/** From so many times the limit on, every submission that would join the queue is refused. */
const TOO_MUCH = 4;

/** Jobs from which the queue is taken for one: fewer than these are not what others wait for. */
const QUEUED_JOBS = 4;

/**
 * Refuses new submissions while writes or the event loop lag, those of the accounts with most in the queue first. What
 * ends jobs passes, because it makes room.
 *
 * Lag is measured by how long this process has run, not by how much time has passed: a process or a machine that was
 * paused has missed that time, and is not behind with anything.
 */
export function createOverload({ limitMs }: OverloadOptions): Overload {
  const tickMs = Math.min(TICK_MS, limitMs / 8);
  const longestStepMs = limitMs / 4;
  const queued = new Map<number, number>();
  /** When each submission came that is still being written, by `runningMs`, oldest first. */
  const waiting = new Set<{ since: number }>();
  let total = 0;
  let ranMs = 0;
  let lookedAt = performance.now();
  let lateness: readonly number[] = [];
  const ticker = setInterval(() => {
    ranMs = runningMs();
    const now = performance.now();
    lateness = [...lateness, now - lookedAt - tickMs].slice(-LATE_TICKS);
    lookedAt = now;
  }, tickMs);
  ticker.unref();

  /** How long this process has run. A longer time between two looks counts as a short one. */
  function runningMs(): number {
    return ranMs + Math.min(performance.now() - lookedAt, longestStepMs);
  }

  function lagMs(): number {
    const loopLagMs = lateness.length === LATE_TICKS ? Math.min(...lateness) : 0;
    const [oldest] = waiting;
    return Math.max(0, loopLagMs, oldest ? runningMs() - oldest.since : 0);
  }

  function isRejected(accountId: number, lag: number): boolean {
    if (lag > limitMs * TOO_MUCH && total >= QUEUED_JOBS) return true;
    const own = queued.get(accountId) ?? 0;
    return lag > limitMs && own >= QUEUED_JOBS && own * queued.size >= total;
  }

  return {
    lagMs,
    enter(accountId, jobs) {
      const lag = lagMs();
      if (isRejected(accountId, lag))
        fail('SYSTEM_OVERLOADED', 'The coordinator is behind with its writes: submit again later', {
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
