import type { DatabaseSync } from 'node:sqlite';
import { cachedTransaction } from '../cache/cached-transaction.ts';
import type { StoreEvent } from '../events.ts';
import { execute, type Transact } from '../execute.ts';
import type { Writer } from '../writer.ts';
import { openForWriting } from './connection.ts';
import { sqliteTransaction } from './transaction.ts';

/**
 * Durability order: a batch's rows reach the write-ahead log, COMMIT syncs the log
 * (`synchronous=FULL`), and only then are its callers answered and its events told. A crash before the sync
 * leaves the batch out as a whole; a crash after it leaves the batch in, answered or not.
 */
export function openSqliteWriter(data: string): Writer {
  const database = openForWriting(data);
  const tx = cachedTransaction(sqliteTransaction(database), table => columnsOf(database, table));
  /** Another number after each commit of another connection, such as that of `aitbc keys`. */
  const dataVersion = database.prepare('PRAGMA data_version');
  let lastVersion: unknown;

  function isUndisturbed(): boolean {
    const version = dataVersion.get()?.data_version;
    const isSame = version === lastVersion;
    lastVersion = version;
    return isSame;
  }

  return {
    async commit(calls, given) {
      const now = given ?? Date.now();
      const uptime = given ?? performance.now();
      const events: StoreEvent[] = [];
      const transact: Transact = async work => {
        const emitted: StoreEvent[] = [];
        database.exec('BEGIN IMMEDIATE');
        try {
          tx.begin(isUndisturbed());
          await work({ tx, now, uptime, emit: event => emitted.push(event) });
          await tx.written();
          database.exec('COMMIT');
          tx.committed();
        } catch (error) {
          tx.abandon();
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

const columnsOf = (database: DatabaseSync, table: string) =>
  database
    .prepare('SELECT name FROM pragma_table_info(?)')
    .all(table)
    .map(({ name }) => String(name));
