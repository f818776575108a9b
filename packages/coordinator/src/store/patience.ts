import { setTimeout } from 'node:timers/promises';
import { isSlowAnswer } from './postgres/connection.ts';
import { reasonOf } from './unavailable.ts';

/** A start waits this long, in ms, for a database that answers slowly. */
const PATIENCE_MS = 60_000;
const PAUSE_MS = 200;

/** Hears what is waited for, as a sentence for the operator. */
export type OnWait = (text: string) => void;

/**
 * Repeats `attempt` while the database is too slow for its timeouts: when many coordinators start at once, each waits for
 * the writes of all others. An attempt that fails must leave nothing behind. Rejects with the last error after a minute,
 * and at once with any other kind.
 */
export async function withPatience<T>(attempt: () => Promise<T>, onWait: OnWait): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isSlowAnswer(error) || performance.now() > deadline) throw error;
      onWait(`waiting for the database, which is slow to answer (${reasonOf(error as Error)})`);
      await setTimeout(PAUSE_MS);
    }
  }
}

/** Calls `onWait` when `work` takes longer than usual. */
export async function tellIfLong<T>(work: Promise<T>, text: string, onWait: OnWait): Promise<T> {
  const timer = globalThis.setTimeout(onWait, LONG_MS, text);
  return await work.finally(() => clearTimeout(timer));
}

const LONG_MS = 2_000;
