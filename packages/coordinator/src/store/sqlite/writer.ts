import type { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { mayResolveBeforeSync } from '../batcher.ts';
import { createUnitOfWork } from '../cache/unit-of-work.ts';
import type { StoreEvent } from '../events.ts';
import { executeCalls, type Transact } from '../execute.ts';
import { StoreUnavailable } from '../unavailable.ts';
import { createWriteProber } from '../write-health.ts';
import { createContext, createPositionOf, type WritePlan } from '../write-plan.ts';
import type { Writer } from '../writer.ts';
import { openForWriting } from './connection.ts';
import { sqliteFaultOf, translateSqliteError } from './faults.ts';
import { createLogSync } from './log-sync.ts';
import { createSqliteStatements } from './statements.ts';

/**
 * Opens the writer of a data folder. Durability order: COMMIT writes a batch's rows to the write-ahead log, the log is
 * synced, and only then do the batch's writes resolve and its events go out. A crash before the sync may lose the whole
 * batch; a crash after it keeps the whole batch, whether or not its callers got an answer. While the disk syncs, requests
 * are read and answered. A batch that may resolve before the sync is synced by the next one that may not, since the log is
 * one file.
 */
export function openSqliteWriter(data: string, plan: WritePlan): Writer {
  const database = openForWriting(data);
  database.exec('PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 0');
  const log = createLogSync(data);
  const tx = createUnitOfWork(createSqliteStatements(database));
  /** Returns a number that changes when another connection commits, such as that of `aitbc keys`. */
  const dataVersion = database.prepare('PRAGMA data_version');
  let lastVersion: unknown;
  /** Resolves once this batch's commits are on disk. Never, if that fails: the process ends. */
  let durable: PromiseWithResolvers<void> | undefined;
  const doubt = createWriteProber();
  const position = createPositionOf(plan);

  function isUndisturbed(): boolean {
    const version = dataVersion.get()?.data_version;
    const isSame = version === lastVersion;
    lastVersion = version;
    return isSame;
  }

  /** Begins a transaction. While another program writes, this thread goes on with other work. */
  async function begin(): Promise<void> {
    const deadline = performance.now() + MAX_BUSY_MS;
    for (;;) {
      try {
        return database.exec('BEGIN IMMEDIATE');
      } catch (error) {
        if (sqliteFaultOf(error) !== 'busy' || performance.now() > deadline) throw error;
        await setTimeout(BUSY_PAUSE_MS);
      }
    }
  }

  return {
    // The requests that arrive during a sync form the next batch. A second batch behind it would only make both smaller.
    maxOpen: 1,
    get syncUnderWay() {
      return durable?.promise;
    },
    async commit(calls, given) {
      const now = given ?? Date.now();
      const uptime = given ?? performance.now();
      const events: StoreEvent[] = [];
      const transact: Transact = async work => {
        const emitted: StoreEvent[] = [];
        try {
          await begin();
          tx.begin(isUndisturbed());
          await work(createContext({ tx, now, uptime, emit: event => emitted.push(event) }, plan));
          const proven = await doubt.probe(tx, now);
          await tx.flushWrites();
          // Reads see the commit from here on.
          durable ??= Promise.withResolvers();
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
      const isChanged = results.some(result => 'outcome' in result);
      if (isChanged && !mayResolveBeforeSync(calls)) await log.sync().catch(endProcess);
      durable?.resolve();
      durable = undefined;
      return { results, events };
    },
    async close() {
      log.close();
      try {
        database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      } catch {
        // A full disk prevents moving the log into the database. SQLite does so when the database is next opened.
      }
      database.close();
    },
  };
}

/** How long a write waits for another program's. */
const MAX_BUSY_MS = 5_000;
const BUSY_PAUSE_MS = 5;

/**
 * After a failed sync nobody knows which commits the disk has, and a later sync would succeed although some are missing
 * (PostgreSQL ends for the same reason). A new start reads what is on disk.
 */
function endProcess(cause: unknown): never {
  const error = new Error('The write-ahead log could not be synced: what is on disk is unknown', { cause });
  setImmediate(() => {
    throw error;
  });
  throw new StoreUnavailable(error, 'failing');
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
