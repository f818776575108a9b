import type { DatabaseSync } from 'node:sqlite';
import { cachedTransaction } from '../cache/cached-transaction.ts';
import type { StoreEvent } from '../events.ts';
import { execute, type Transact } from '../execute.ts';
import { createDoubt } from '../write-health.ts';
import { contextOf, positionsIn, type WritePlan } from '../write-plan.ts';
import type { Writer } from '../writer.ts';
import { openForWriting } from './connection.ts';
import { translate } from './faults.ts';
import { sqliteTransaction } from './transaction.ts';

/**
 * Durability order: a batch's rows reach the write-ahead log, COMMIT syncs the log
 * (`synchronous=FULL`), and only then are its callers answered and its events told. A crash before the sync
 * leaves the batch out as a whole; a crash after it leaves the batch in, answered or not.
 */
export function openSqliteWriter(data: string, plan: WritePlan): Writer {
  const database = openForWriting(data);
  const tx = cachedTransaction(sqliteTransaction(database), table => columnsOf(database, table));
  /** Another number after each commit of another connection, such as that of `aitbc keys`. */
  const dataVersion = database.prepare('PRAGMA data_version');
  let lastVersion: unknown;
  const doubt = createDoubt();
  const position = positionsIn(plan);

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
        try {
          database.exec('BEGIN IMMEDIATE');
          tx.begin(isUndisturbed());
          await work(contextOf({ tx, now, uptime, emit: event => emitted.push(event) }, plan));
          const proven = await doubt.write(tx, now);
          await tx.written();
          database.exec('COMMIT');
          tx.committed();
          proven();
        } catch (error) {
          tx.abandon();
          rollBack(database);
          const translated = translate(error);
          doubt.failed(translated);
          throw translated;
        }
        events.push(...emitted);
      };
      const results = await execute(calls, transact, position);
      return { results, events };
    },
    async close() {
      try {
        database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      } catch {
        // On a full disk the log can't be moved into the database. It stays, and counts when that is opened again.
      }
      database.close();
    },
  };
}

/** SQLite has rolled back already after some faults. */
function rollBack(database: DatabaseSync): void {
  if (!database.isTransaction) return;
  try {
    database.exec('ROLLBACK');
  } catch {
    // What it failed for is what the transaction failed for.
  }
}

const columnsOf = (database: DatabaseSync, table: string) =>
  database
    .prepare('SELECT name FROM pragma_table_info(?)')
    .all(table)
    .map(({ name }) => String(name));
