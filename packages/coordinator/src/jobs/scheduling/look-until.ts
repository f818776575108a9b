import { LOOK_AGAIN_MS, type Waits } from './waiting.ts';

/** Given to the signal, since it would otherwise make an exception with its stack each time. */
const IS_OVER = new Error('The wait is over');

interface Looked<T> {
  value: T;
  /** Whether the caller got what it waits for. */
  isOver: boolean;
}

interface LongPoll {
  waits: Pick<Waits, 'closed'>;
  /** The time after which the last look is returned. */
  waitMs: number;
  /** Aborts when the caller stops waiting. */
  signal: AbortSignal;
}

/**
 * Looks, and looks again whenever a wait ends, until a look is over, the time is over, the caller stops waiting or the
 * coordinator stops. Returns the last look.
 *
 * @param wait begins a wait, and resolves with what woke it
 */
export async function lookUntil<T, Cause>(
  wait: (ms: number, signal: AbortSignal) => Promise<Cause>,
  look: (cause: Cause | undefined) => Promise<Looked<T>>,
  { waits, waitMs, signal: callerSignal }: LongPoll,
): Promise<T> {
  const over = new AbortController();
  const signal = AbortSignal.any([callerSignal, over.signal]);
  const until = performance.now() + waitMs;
  let cause: Cause | undefined;
  try {
    for (;;) {
      // The wait begins before the look, so that no change in between is missed.
      const leftMs = until - performance.now();
      const woken = wait(Math.min(leftMs, LOOK_AGAIN_MS), signal);
      const { value, isOver } = await look(cause);
      if (isOver || leftMs <= 0 || signal.aborted || waits.closed) return value;
      cause = await woken;
    }
  } finally {
    over.abort(IS_OVER);
  }
}
