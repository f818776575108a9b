import { ConfigError } from '../option.ts';
import { type EngineConfig, engineOf, usable } from './engine.ts';
import { type CopyOptions, copyDatabase } from './sqlite/backup.ts';
import { openMoment } from './sqlite/connection.ts';

export type { CopyOptions };

/** Copies the embedded database into a folder. Throws ConfigError, also where there is another engine. */
export async function backupStore(config: EngineConfig, to: string, options?: CopyOptions): Promise<void> {
  const engine = engineOf(config);
  if (engine.name === 'postgres') {
    throw new ConfigError(
      '--database-url: PostgreSQL has backups of its own, such as pg_dump; this one is for SQLite in a data folder',
    );
  }
  const moment = await usable(engine, openMoment(engine.data));
  try {
    await copyDatabase(moment, to, options);
  } finally {
    moment.close();
  }
}
