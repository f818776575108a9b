import { type EngineConfig, engineOf, usable } from './engine.ts';
import { migratePostgres } from './postgres/store.ts';
import { migrateSqlite } from './sqlite/migrate.ts';

export { SCHEMA_VERSION } from './migrations/migrate.ts';

/**
 * Brings the schema of the engine's database up to date, however long that takes.
 *
 * @returns the names of the migrations that were missing
 * @throws {ConfigError} also where the schema is newer than this program
 */
export async function migrateStore(config: EngineConfig): Promise<readonly string[]> {
  const engine = engineOf(config);
  return await usable(
    engine,
    engine.name === 'sqlite' ? migrateSqlite(engine.data) : migratePostgres(engine),
  );
}
