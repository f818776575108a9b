import { ConfigError } from '../option.ts';
import { asConfigError, type EngineConfig, engineOf } from './engine.ts';
import { type CopyOptions, copyDatabase } from './sqlite/backup.ts';
import { openSnapshot } from './sqlite/connection.ts';

export type { CopyOptions };

/**
 * Copies the SQLite database into a folder.
 *
 * @throws {ConfigError} where the database can't be read, or is not SQLite
 */
export async function backupStore(config: EngineConfig, to: string, options?: CopyOptions): Promise<void> {
  const engine = engineOf(config);
  if (engine.name === 'postgres') {
    throw new ConfigError(
      '--database-url: this command copies SQLite only; back up PostgreSQL with its own tools, such as pg_dump',
    );
  }
  const snapshot = await asConfigError(engine, openSnapshot(engine.data));
  try {
    await copyDatabase(snapshot, to, options);
  } finally {
    snapshot.close();
  }
}
