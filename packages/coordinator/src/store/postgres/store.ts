import { sql } from 'kysely';
import { createListeners } from '../listeners.ts';
import { createLookups } from '../lookup.ts';
import { POSTGRES_TYPES } from '../migrations/column-types.ts';
import { migrateSchema } from '../migrations/migrate.ts';
import type { Store } from '../store.ts';
import { StoreUnavailable } from '../unavailable.ts';
import type { WriteHealth } from '../write-health.ts';
import type { Writes } from '../writes.ts';
import { binaryArray } from './binary-arrays.ts';
import { connectPostgres, openPool, openReader, type PostgresOptions } from './connection.ts';
import type { ReplicaListener } from './listener-locks.ts';
import { listen, TELL_MIGRATED } from './notifications.ts';
import { explainRejection, requireUsableServer } from './server-check.ts';

export interface PostgresStoreOptions extends PostgresOptions {
  writes: Writes;
  health: WriteHealth;
  /** The same listener as the writer has. */
  listener: ReplicaListener;
}

/** Throws where a coordinator can't work with the server, or with the pooler before it. */
async function requireServer(options: PostgresOptions): Promise<void> {
  const client = await connectPostgres(options).catch(error => {
    throw explainRejection(error instanceof StoreUnavailable ? error.cause : error);
  });
  await requireUsableServer(options, client).finally(() => client.end().catch(() => {}));
}

/** Brings the schema up to date, and returns the names of the migrations that it applied. */
export async function migratePostgres(options: PostgresOptions): Promise<readonly string[]> {
  await requireServer(options);
  const db = openPool({ ...options, withoutTimeouts: true });
  try {
    const applied = await migrateSchema(db, POSTGRES_TYPES);
    if (applied.length > 0) await sql.raw(TELL_MIGRATED).execute(db);
    return applied;
  } catch (error) {
    throw error instanceof StoreUnavailable ? error.cause : error;
  } finally {
    await db.destroy();
  }
}

/** Opens the store that several coordinators share. Its schema must be up to date. */
export function createPostgresStore({ writes, health, listener, ...options }: PostgresStoreOptions): Store {
  const { read, query } = openReader(options);
  const { notify, onCommit } = createListeners();
  const notifications = listen(
    { ...options, listener, onNewer: newer => health.retire(new StoreUnavailable(newer, 'newer')) },
    read,
    notify,
  );
  writes.onCommit(events => {
    notify(events);
    notifications.rereadMiners(events);
  });

  return {
    isShared: true,
    read,
    lookUp: createLookups(({ select, column }, keys) =>
      query(`${select} WHERE ${column} = ANY($1::text[])`, [binaryArray('text', keys)]),
    ),
    write: health.write,
    onFault: health.onFault,
    requireCurrent: health.requireCurrent,
    onCommit,
    async ping() {
      await sql`SELECT 1 FROM setting LIMIT 1`.execute(read);
      await health.requireWritable();
    },
    async close() {
      await writes.close();
      await notifications.close();
      await read.destroy();
    },
  };
}
