import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sql } from 'kysely';
import { createBatcher, type Transact } from '../batcher.ts';
import type { StoreEvent, StoreListener } from '../events.ts';
import { migrate } from '../migrations/migrate.ts';
import type { Store } from '../store.ts';
import { kyselyOver } from './dialect.ts';
import { sqliteTransaction } from './transaction.ts';

export interface SqliteOptions {
  /** Folder of `coordinator.db`, made when missing. */
  data: string;
  now: () => number;
  maxBatch: number;
}

/**
 * The embedded store. Durability order: a batch's rows reach the write-ahead log, COMMIT syncs the log
 * (`synchronous=FULL`), and only then are its callers answered and its events told. A crash before the sync
 * leaves the batch out as a whole; a crash after it leaves the batch in, answered or not.
 */
export async function openSqliteStore(options: SqliteOptions): Promise<Store> {
  mkdirSync(options.data, { recursive: true, mode: 0o700 });
  const path = join(options.data, 'coordinator.db');
  const writer = new DatabaseSync(path);
  writer.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;
    PRAGMA foreign_keys = OFF; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 4000;`);
  const writerDb = kyselyOver(writer);
  await migrate(writerDb);
  const reader = new DatabaseSync(path, { readOnly: true });
  reader.exec('PRAGMA busy_timeout = 5000; PRAGMA cache_size = -65536;');
  const read = kyselyOver(reader);

  const tx = sqliteTransaction(writer, writerDb);
  const listeners = new Set<StoreListener>();

  const transact: Transact = async work => {
    const events: StoreEvent[] = [];
    writer.exec('BEGIN IMMEDIATE');
    try {
      await work({ tx, now: options.now(), emit: event => events.push(event) });
      writer.exec('COMMIT');
    } catch (error) {
      if (writer.isTransaction) writer.exec('ROLLBACK');
      throw error;
    }
    if (events.length > 0) for (const listener of listeners) listener(events);
  };
  const batcher = createBatcher(transact, options.maxBatch);

  return {
    read,
    write: batcher.write,
    onCommit(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async ping() {
      await sql`SELECT 1 FROM setting LIMIT 1`.execute(read);
    },
    async close() {
      await batcher.idle();
      writer.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      reader.close();
      writer.close();
    },
  };
}
