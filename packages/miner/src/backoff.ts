import { setTimeout } from 'node:timers/promises';

export interface Backoff {
  /** Returns the milliseconds to wait before the next try. */
  next(): number;
  reset(): void;
}

export interface BackoffOptions {
  /** Milliseconds. Default 500. */
  first?: number;
  /** Milliseconds. Default 30,000. */
  longest?: number;
}

/** Doubles the wait with each try. Half of each wait is random, so that miners do not all return at once. */
export function createBackoff({ first = 500, longest = 30_000 }: BackoffOptions = {}): Backoff {
  let tries = 0;
  return {
    next() {
      const full = Math.min(longest, first * 2 ** tries++);
      return full / 2 + (Math.random() * full) / 2;
    },
    reset() {
      tries = 0;
    },
  };
}

/** Resolves after `ms`, or as soon as the signal aborts. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { ...(signal && { signal }) }).catch(error => {
    if (!signal?.aborted) throw error;
  });
}
