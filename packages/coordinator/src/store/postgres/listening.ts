import type { Client } from 'pg';
import { FIRST_LISTENER, OTHER_LISTENERS } from './locks.ts';

/*
 * To notify costs a batch a tenth of what it costs altogether, and is in vain while nobody else listens. So whoever
 * listens holds a lock for as long as its connection lasts: who came first one of its own, all others a shared one.
 * The first notifies where it can't have the lock of the others. All others always notify, since there is the first.
 *
 * Who comes to listen takes its lock before it listens, and looks at everything after it. A batch that was not told
 * to it had the lock until it was committed, and so is among what is looked at.
 */

/** A coordinator among those that listen in its schema. */
export interface Listener {
  /** Who its notifications say that they are from. */
  readonly id: string;
  /** Whether it holds the lock of the first. */
  isFirst: boolean;
}

/** To be called before `LISTEN`, on a new connection that then listens. */
export async function takePlace(client: Client, listener: Listener): Promise<void> {
  listener.isFirst = await succeeds(client, `pg_try_advisory_lock(${FIRST_LISTENER})`);
  if (!listener.isFirst) await client.query(`SELECT pg_advisory_lock_shared(${OTHER_LISTENERS})`);
}

/** Comes first where the one that was has gone. To be called now and then. */
export async function moveUp(client: Client, listener: Listener): Promise<void> {
  if (listener.isFirst || !(await succeeds(client, `pg_try_advisory_lock(${FIRST_LISTENER})`))) return;
  await client.query(`SELECT pg_advisory_unlock_shared(${OTHER_LISTENERS})`);
  listener.isFirst = true;
}

async function succeeds(client: Client, call: string): Promise<boolean> {
  const { rows } = await client.query<{ taken: boolean }>(`SELECT ${call} AS taken`);
  return rows[0]?.taken === true;
}
