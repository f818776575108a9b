import type { Client } from 'pg';
import { FIRST_LISTENER, OTHER_LISTENERS } from './locks.ts';

/*
 * A notification takes a tenth of a batch's time, and is useless while no other coordinator listens. So each coordinator
 * that listens holds an advisory lock for as long as its connection lasts. The first one holds a lock of its own, and all
 * others share a second one. The first coordinator notifies only where it can't take the second lock; all others always
 * notify, since the first one listens.
 *
 * A coordinator takes its lock before it starts to listen, and reads the whole state afterwards. A batch that did not
 * notify it held the second lock until it was committed, so the coordinator finds that batch's changes in the state.
 */

/** A coordinator that listens for the notifications of others. */
export interface ReplicaListener {
  /** Identifies the sender of its notifications. */
  readonly id: string;
  /** Whether it holds the lock of the first listener. */
  isFirst: boolean;
}

/** Takes the listener's lock. Call this on a new connection before its `LISTEN`. */
export async function lockListenerPlace(client: Client, listener: ReplicaListener): Promise<void> {
  listener.isFirst = await succeeds(client, `pg_try_advisory_lock(${FIRST_LISTENER})`);
  if (!listener.isFirst) await client.query(`SELECT pg_advisory_lock_shared(${OTHER_LISTENERS})`);
}

/** Makes this listener the first one where the former first has gone. Call this from time to time. */
export async function tryBecomeFirst(client: Client, listener: ReplicaListener): Promise<void> {
  if (listener.isFirst || !(await succeeds(client, `pg_try_advisory_lock(${FIRST_LISTENER})`))) return;
  await client.query(`SELECT pg_advisory_unlock_shared(${OTHER_LISTENERS})`);
  listener.isFirst = true;
}

async function succeeds(client: Client, call: string): Promise<boolean> {
  const { rows } = await client.query<{ taken: boolean }>(`SELECT ${call} AS taken`);
  return rows[0]?.taken === true;
}
