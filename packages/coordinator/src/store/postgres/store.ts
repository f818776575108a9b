import { sql } from 'kysely';
import { createBatcher } from '../batcher.ts';
import { createListeners } from '../listeners.ts';
import { POSTGRES_TYPES } from '../migrations/column-types.ts';
import { migrate } from '../migrations/migrate.ts';
import type { Store } from '../store.ts';
import { StoreUnavailable } from '../unavailable.ts';
import { openPool, type PostgresOptions } from './connection.ts';
import { listen } from './notifications.ts';
import { createPostgresWriter } from './writer.ts';

export interface PostgresStoreOptions extends PostgresOptions {
  /** The database's clock unless given. */
  now?: (() => number) | undefined;
  maxBatch: number;
}

/** Brings the schema up to date, and answers the names of the migrations that were missing. */
export async function migratePostgres(options: PostgresOptions): Promise<readonly string[]> {
  const db = openPool({ ...options, patient: true });
  try {
    return await migrate(db, POSTGRES_TYPES);
  } catch (error) {
    throw error instanceof StoreUnavailable ? error.cause : error;
  } finally {
    await db.destroy();
  }
}

/** The store that several coordinators share. Brings its schema up to date first. */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  await migratePostgres(options);
  const read = openPool(options);
  const { tell, onCommit } = createListeners();
  const notifications = listen(options, read, tell);
  const writer = createPostgresWriter({ ...options, notify: notifications.statements });
  const batcher = createBatcher(
    async (calls, sent) => {
      const { results, events } = await writer.commit(calls, sent);
      tell(events);
      notifications.confirm(events);
      return results;
    },
    { maxBatch: options.maxBatch },
  );

  return {
    read,
    write: batcher.write,
    onCommit,
    async ping() {
      await sql`SELECT 1 FROM setting LIMIT 1`.execute(read);
    },
    async close() {
      await batcher.idle();
      await notifications.close();
      await writer.close();
      await read.destroy();
    },
  };
}
