import { asConfigError, type EngineConfig, engineOf } from './engine.ts';
import { migratePostgres } from './postgres/store.ts';
import { migrateSqlite } from './sqlite/migrate.ts';

export { SCHEMA_VERSION } from './migrations/migrate.ts';

/**
 * Brings the schema of the configured database up to date, without a time limit.
 *
 * @returns the names of the migrations that it applied
 * @throws {ConfigError} where the database can't be used, or its schema is newer than this program
 */
export async function migrateStore(config: EngineConfig): Promise<readonly string[]> {
  const engine = engineOf(config);
  return await asConfigError(
    engine,
    engine.name === 'sqlite' ? migrateSqlite(engine.data) : migratePostgres(engine),
  );
}
