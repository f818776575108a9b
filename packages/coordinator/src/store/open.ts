import { randomUUID } from 'node:crypto';
import { type Engine, engineOf, unusable, usable } from './engine.ts';
import type { StoreConfig } from './options.ts';
import { type OnWait, tellIfLong } from './patience.ts';
import type { Listener } from './postgres/listening.ts';
import { createPostgresStore, migratePostgres } from './postgres/store.ts';
import { createPostgresWriter } from './postgres/writer.ts';
import { isBackup } from './sqlite/backup.ts';
import { requireStore } from './sqlite/connection.ts';
import { type FolderLock, lockFolder } from './sqlite/lock.ts';
import { migrateSqlite } from './sqlite/migrate.ts';
import { createSqliteStore } from './sqlite/store.ts';
import { openSqliteWriter } from './sqlite/writer.ts';
import type { Store } from './store.ts';
import { watchWrites } from './write-health.ts';
import type { WritePlan } from './write-plan.ts';
import type { Writer } from './writer.ts';
import { startWriterThread } from './writer-thread.ts';
import { createWrites } from './writes.ts';

export interface OpenOptions {
  plan: WritePlan;
  /** Program of a thread that writes, where the engine gains from one; this thread writes unless given. */
  writerThread?: URL;
  /** Refuse a data folder that a coordinator runs on, and a database that takes no writes or has no space. */
  alone?: boolean;
  /** Refuse a data folder that nobody has kept anything in, rather than begin one there. */
  existing?: boolean;
  /** Hears what takes long. */
  onWait?: OnWait;
}

/**
 * Opens the engine that the configuration names, and brings its schema up to date. Throws ConfigError.
 *
 * @param now milliseconds since the epoch; the engine's own clock unless given
 */
export async function openStore(
  config: StoreConfig,
  now: (() => number) | undefined,
  { plan, writerThread, alone = false, existing = false, onWait = () => {} }: OpenOptions,
): Promise<Store> {
  const engine = engineOf(config);
  const listener: Listener = { id: randomUUID(), isFirst: false };
  const lock = await usable(engine, prepare(engine, { alone, existing, onWait }));
  const options = { now, maxBatch: config.maxBatch };
  // PostgreSQL is waited for without holding anything up: a thread between would be one more to wait for.
  const writes =
    writerThread && engine.name === 'sqlite'
      ? await startWriterThread(writerThread, config, options).catch(error => {
          lock?.release();
          return unusable(error);
        })
      : createWrites(openWriter(engine, listener, plan), options);
  const health = watchWrites(writes);
  const store =
    engine.name === 'postgres'
      ? createPostgresStore({ ...engine, listener, writes, health })
      : createSqliteStore({ ...engine, lock, writes, health });
  if (alone) {
    const proven = health.requireSpace().catch(async error => {
      await store.close();
      throw error;
    });
    await usable(engine, proven);
  }
  return store;
}

const MIGRATING =
  'waiting for the schema of the database, which this coordinator or another one brings up to date';

/** Brings the schema up to date, of a folder that nobody else is to run on. */
async function prepare(
  engine: Engine,
  { alone, existing, onWait }: { alone: boolean; existing: boolean; onWait: OnWait },
): Promise<FolderLock | undefined> {
  if (engine.name === 'postgres') {
    await tellIfLong(migratePostgres(engine), MIGRATING, onWait);
    return undefined;
  }
  if (existing) requireStore(engine.data);
  if (isBackup(engine.data)) {
    throw new Error(
      `it is a backup, not a data folder: \`aitbc restore ${engine.data} --data DIR\` makes one of it, and says what becomes of the ledger`,
    );
  }
  const lock = alone ? lockFolder(engine.data) : undefined;
  try {
    await migrateSqlite(engine.data);
  } catch (error) {
    lock?.release();
    throw error;
  }
  return lock;
}

/**
 * What writes to an engine, whose schema must be up to date.
 *
 * @param listener what its notifications depend on
 */
function openWriter(engine: Engine, listener: Listener, plan: WritePlan): Writer {
  return engine.name === 'postgres'
    ? createPostgresWriter({ ...engine, listener, plan })
    : openSqliteWriter(engine.data, plan);
}
