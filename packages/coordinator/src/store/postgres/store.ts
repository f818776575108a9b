import { sql } from 'kysely';
import { createListeners } from '../listeners.ts';
import { POSTGRES_TYPES } from '../migrations/column-types.ts';
import { migrate } from '../migrations/migrate.ts';
import type { Store } from '../store.ts';
import { StoreUnavailable } from '../unavailable.ts';
import type { WriteHealth } from '../write-health.ts';
import type { Writes } from '../writes.ts';
import { connect, openPool, type PostgresOptions } from './connection.ts';
import { explainRejection, requireFit } from './fitness.ts';
import type { Listener } from './listening.ts';
import { listen, TELL_MIGRATED } from './notifications.ts';

export interface PostgresStoreOptions extends PostgresOptions {
  writes: Writes;
  health: WriteHealth;
  /** The writer's, too. */
  listener: Listener;
}

/** Throws for a server, or a way to it, over which a coordinator can't work. */
async function requireFitServer(options: PostgresOptions): Promise<void> {
  const client = await connect(options).catch(error => {
    throw explainRejection(error instanceof StoreUnavailable ? error.cause : error);
  });
  await requireFit(options, client).finally(() => client.end().catch(() => {}));
}

/** Brings the schema up to date, and answers the names of the migrations that were missing. */
export async function migratePostgres(options: PostgresOptions): Promise<readonly string[]> {
  await requireFitServer(options);
  const db = openPool({ ...options, patient: true });
  try {
    const done = await migrate(db, POSTGRES_TYPES);
    if (done.length > 0) await sql.raw(TELL_MIGRATED).execute(db);
    return done;
  } catch (error) {
    throw error instanceof StoreUnavailable ? error.cause : error;
  } finally {
    await db.destroy();
  }
}

/** The store that several coordinators share. Its schema must be up to date. */
export function createPostgresStore({ writes, health, listener, ...options }: PostgresStoreOptions): Store {
  const read = openPool(options);
  const { tell, onCommit } = createListeners();
  const notifications = listen(
    { ...options, listener, onNewer: newer => health.retire(new StoreUnavailable(newer, 'newer')) },
    read,
    tell,
  );
  writes.onCommit(events => {
    tell(events);
    notifications.confirm(events);
  });

  return {
    isShared: true,
    read,
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
