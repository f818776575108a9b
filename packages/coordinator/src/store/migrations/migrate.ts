import { type Kysely, type Migration, Migrator } from 'kysely';
import type { Schema } from '../schema.ts';
import { initial } from './001-initial.ts';
import type { ColumnTypes } from './column-types.ts';

/** In order; what was released is never changed, only followed by another. */
const STEPS: Record<string, (db: Kysely<unknown>, types: ColumnTypes) => Promise<void>> = {
  '001-initial': initial,
};

/** Brings the schema up to date, one process at a time; a schema newer than this program is refused. */
export async function migrate(db: Kysely<Schema>, types: ColumnTypes): Promise<readonly string[]> {
  const migrations = Object.entries(STEPS).map(([name, up]): [string, Migration] => [
    name,
    { up: (db: Kysely<unknown>) => up(db, types) },
  ]);
  const provider = { getMigrations: async () => Object.fromEntries(migrations) };
  const { error, results = [] } = await new Migrator({ db, provider }).migrateToLatest();
  if (error) throw new Error('The database schema could not be brought up to date', { cause: error });
  return results.map(result => result.migrationName);
}
