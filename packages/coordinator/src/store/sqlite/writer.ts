import type { StoreEvent } from '../events.ts';
import { execute, type Transact } from '../execute.ts';
import { SQLITE_TYPES } from '../migrations/column-types.ts';
import { migrate } from '../migrations/migrate.ts';
import type { Writer } from '../writer.ts';
import { openForWriting } from './connection.ts';
import { kyselyOver } from './dialect.ts';
import { sqliteTransaction } from './transaction.ts';

/** Brings the schema up to date, and answers the names of the migrations that were missing. */
export async function migrateSqlite(data: string): Promise<readonly string[]> {
  const database = openForWriting(data);
  try {
    return await migrate(kyselyOver(database), SQLITE_TYPES);
  } finally {
    database.close();
  }
}

/**
 * Durability order: a batch's rows reach the write-ahead log, COMMIT syncs the log
 * (`synchronous=FULL`), and only then are its callers answered and its events told. A crash before the sync
 * leaves the batch out as a whole; a crash after it leaves the batch in, answered or not.
 */
export function openSqliteWriter(data: string): Writer {
  const database = openForWriting(data);
  const tx = sqliteTransaction(database);

  return {
    async commit(calls, now = Date.now()) {
      const events: StoreEvent[] = [];
      const transact: Transact = async work => {
        const emitted: StoreEvent[] = [];
        database.exec('BEGIN IMMEDIATE');
        try {
          await work({ tx, now, emit: event => emitted.push(event) });
          database.exec('COMMIT');
        } catch (error) {
          if (database.isTransaction) database.exec('ROLLBACK');
          throw error;
        }
        events.push(...emitted);
      };
      const results = await execute(calls, transact);
      return { results, events };
    },
    async close() {
      database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      database.close();
    },
  };
}
