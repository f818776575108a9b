import { setTimeout } from 'node:timers/promises';
import { isSlowAnswer } from './postgres/connection.ts';
import { messageWithCauses } from './unavailable.ts';

/** How long a starting coordinator waits for a slow database. */
const MAX_WAIT_MS = 60_000;
const PAUSE_MS = 200;

/** Called with a message for the operator that says what the coordinator waits for. */
export type OnWait = (text: string) => void;

/**
 * Repeats `attempt` while it fails because the database is too slow, for up to a minute: when many coordinators start at
 * once, each waits for the writes of all others. A failed attempt must leave nothing behind. Rejects with the last error,
 * and at once where an error has another reason.
 */
export async function retryWhileSlow<T>(attempt: () => Promise<T>, onWait: OnWait): Promise<T> {
  const deadline = performance.now() + MAX_WAIT_MS;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isSlowAnswer(error) || performance.now() > deadline) throw error;
      onWait(`waiting for the database, which is slow to answer (${messageWithCauses(error as Error)})`);
      await setTimeout(PAUSE_MS);
    }
  }
}

/** Calls `onWait` with `text` when `work` takes longer than two seconds. */
export async function reportIfSlow<T>(work: Promise<T>, text: string, onWait: OnWait): Promise<T> {
  const timer = globalThis.setTimeout(onWait, SLOW_MS, text);
  return await work.finally(() => clearTimeout(timer));
}

const SLOW_MS = 2_000;
