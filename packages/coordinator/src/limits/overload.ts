import { refuse } from '../store/operation.ts';

export interface Overload {
  /** Counts an account's jobs while they are being written. Throws Refused: SYSTEM_OVERLOADED. */
  enter(accountId: number, jobs: number): () => void;
  /** How late writes, or this thread, are now, in ms. */
  lagMs(): number;
  close(): void;
}

export interface OverloadOptions {
  /** Lag from which the accounts with most in the queue are refused. */
  limitMs: number;
}

/** How often the event loop is looked at, in ms. */
const TICK_MS = 100;

/** From so many times the limit on, whoever submits is refused. */
const TOO_MUCH = 4;

/**
 * Refuses new submissions while writes or the event loop lag, those of the accounts with most in the queue first. What
 * ends jobs passes: it makes room.
 */
export function createOverload({ limitMs }: OverloadOptions): Overload {
  /** Jobs in the queue by account, and when each submission came, oldest first. */
  const queued = new Map<number, number>();
  const since = new Set<{ at: number }>();
  let total = 0;
  let loopLagMs = 0;
  let expected = performance.now() + TICK_MS;
  const ticker = setInterval(() => {
    const now = performance.now();
    loopLagMs = Math.max(now - expected, 0);
    expected = now + TICK_MS;
  }, TICK_MS);
  ticker.unref();

  function lagMs(): number {
    const now = performance.now();
    const [oldest] = since;
    return Math.max(loopLagMs, now - expected, oldest ? now - oldest.at : 0);
  }

  return {
    lagMs,
    enter(accountId, jobs) {
      const lag = lagMs();
      const own = queued.get(accountId) ?? 0;
      const hasMost = own > 0 && own * queued.size >= total;
      if (lag > limitMs * TOO_MUCH || (lag > limitMs && hasMost))
        refuse('SYSTEM_OVERLOADED', 'The coordinator is behind with its writes: submit again later', {
          retryAfter: Math.max(1, Math.ceil(lag / 1000)),
        });
      const entry = { at: performance.now() };
      since.add(entry);
      queued.set(accountId, own + jobs);
      total += jobs;
      return () => {
        if (!since.delete(entry)) return;
        total -= jobs;
        const left = (queued.get(accountId) ?? jobs) - jobs;
        if (left > 0) queued.set(accountId, left);
        else queued.delete(accountId);
      };
    },
    close: () => clearInterval(ticker),
  };
}
