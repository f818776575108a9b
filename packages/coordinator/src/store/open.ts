import { randomUUID } from 'node:crypto';
import { asConfigError, type DatabaseEngine, engineOf } from './engine.ts';
import type { StoreConfig } from './options.ts';
import type { ReplicaListener } from './postgres/listener-locks.ts';
import { createPostgresStore, migratePostgres } from './postgres/store.ts';
import { createPostgresWriter } from './postgres/writer.ts';
import { type OnWait, reportIfSlow } from './slow-database.ts';
import { isBackup } from './sqlite/backup.ts';
import { requireDatabase } from './sqlite/connection.ts';
import { type FolderLock, lockFolder } from './sqlite/lock.ts';
import { migrateSqlite } from './sqlite/migrate.ts';
import { createSqliteStore } from './sqlite/store.ts';
import { openSqliteWriter } from './sqlite/writer.ts';
import type { Store } from './store.ts';
import { watchWrites } from './write-health.ts';
import type { WritePlan } from './write-plan.ts';
import type { Writer } from './writer.ts';
import { createWrites } from './writes.ts';

export interface OpenOptions {
  plan: WritePlan;
  /** Whether to fail where another coordinator runs on the data folder, or the database takes no writes or is full. */
  exclusive?: boolean;
  /** Whether to fail where the data folder has no database, instead of creating one. */
  mustExist?: boolean;
  /** Called with a message when opening takes long. */
  onWait?: OnWait;
}

/**
 * Opens the engine that the configuration names, and brings its schema up to date.
 *
 * @param now returns ms since the epoch; the engine's own clock unless given
 * @throws {ConfigError} where the database can't be used
 */
export async function openEngine(
  config: StoreConfig,
  now: (() => number) | undefined,
  { plan, exclusive = false, mustExist = false, onWait = () => {} }: OpenOptions,
): Promise<Store> {
  const engine = engineOf(config);
  const listener: ReplicaListener = { id: randomUUID(), isFirst: false };
  const lock = await asConfigError(engine, prepare(engine, { exclusive, mustExist, onWait }));
  const writer = openWriter(engine, listener, plan);
  const writes = createWrites(writer, { now, maxBatch: config.maxBatch });
  const health = watchWrites(writes);
  const store =
    engine.name === 'postgres'
      ? createPostgresStore({ ...engine, listener, writes, health })
      : createSqliteStore({ ...engine, lock, writer, writes, health });
  if (exclusive) {
    const proven = health.requireSpace().catch(async error => {
      await store.close();
      throw error;
    });
    await asConfigError(engine, proven);
  }
  return store;
}

const MIGRATION_WAIT =
  'waiting for the schema of the database, which this coordinator or another one brings up to date';

/** Locks the data folder where asked to, and brings the schema up to date. */
async function prepare(
  engine: DatabaseEngine,
  { exclusive, mustExist, onWait }: { exclusive: boolean; mustExist: boolean; onWait: OnWait },
): Promise<FolderLock | undefined> {
  if (engine.name === 'postgres') {
    await reportIfSlow(migratePostgres(engine), MIGRATION_WAIT, onWait);
    return undefined;
  }
  if (mustExist) requireDatabase(engine.data);
  if (isBackup(engine.data)) {
    throw new Error(
      `it is a backup, not a data folder: \`aitbc restore ${engine.data} --data DIR\` makes a data folder from it, and explains what happens to the ledger`,
    );
  }
  const lock = exclusive ? lockFolder(engine.data) : undefined;
  try {
    await migrateSqlite(engine.data);
  } catch (error) {
    lock?.release();
    throw error;
  }
  return lock;
}

/** Opens the writer of an engine. The schema must be up to date. */
function openWriter(engine: DatabaseEngine, listener: ReplicaListener, plan: WritePlan): Writer {
  return engine.name === 'postgres'
    ? createPostgresWriter({ ...engine, listener, plan })
    : openSqliteWriter(engine.data, plan);
}
