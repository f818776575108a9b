import type { DatabaseSync } from 'node:sqlite';
import { createCachedTransaction } from '../cache/cached-transaction.ts';
import type { StoreEvent } from '../events.ts';
import { executeCalls, type Transact } from '../execute.ts';
import { createWriteProber } from '../write-health.ts';
import { createContext, createPositionOf, type WritePlan } from '../write-plan.ts';
import type { Writer } from '../writer.ts';
import { openForWriting } from './connection.ts';
import { translateSqliteError } from './faults.ts';
import { createSqliteTransaction } from './transaction.ts';

/**
 * Opens the writer of a data folder. Durability order: a batch's rows reach the write-ahead log, COMMIT syncs the log
 * (`synchronous=FULL`), and only then do the batch's writes resolve and its events go out. A crash before the sync loses
 * the whole batch; a crash after it keeps the whole batch, whether or not its callers got an answer.
 */
export function openSqliteWriter(data: string, plan: WritePlan): Writer {
  const database = openForWriting(data);
  const tx = createCachedTransaction(createSqliteTransaction(database), table => columnsOf(database, table));
  /** Returns a number that changes when another connection commits, such as that of `aitbc keys`. */
  const dataVersion = database.prepare('PRAGMA data_version');
  let lastVersion: unknown;
  const doubt = createWriteProber();
  const position = createPositionOf(plan);

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
          await work(createContext({ tx, now, uptime, emit: event => emitted.push(event) }, plan));
          const proven = await doubt.probe(tx, now);
          await tx.flushWrites();
          database.exec('COMMIT');
          tx.noteCommitSent();
          proven();
        } catch (error) {
          tx.forgetAll();
          rollBack(database);
          const translated = translateSqliteError(error);
          doubt.noteFailure(translated);
          throw translated;
        }
        events.push(...emitted);
      };
      const results = await executeCalls(calls, transact, position);
      return { results, events };
    },
    async close() {
      try {
        database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      } catch {
        // A full disk prevents moving the log into the database. SQLite does so when the database is next opened.
      }
      database.close();
    },
  };
}

/** Rolls back, unless SQLite has done so already, as it does after some faults. */
function rollBack(database: DatabaseSync): void {
  if (!database.isTransaction) return;
  try {
    database.exec('ROLLBACK');
  } catch {
    // The transaction failed for the same reason, and that error is reported.
  }
}

const columnsOf = (database: DatabaseSync, table: string) =>
  database
    .prepare('SELECT name FROM pragma_table_info(?)')
    .all(table)
    .map(({ name }) => String(name));
