import { type Kysely, type Migration, Migrator } from 'kysely';
import type { Schema } from '../schema.ts';
import { initial } from './001-initial.ts';
import { draining } from './002-draining.ts';

const migrations: Record<string, Migration> = { '001-initial': initial, '002-draining': draining };

/** Brings the schema up to date; a schema newer than this program is refused. */
export async function migrate(db: Kysely<Schema>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
  const { error } = await migrator.migrateToLatest();
  if (error) throw new Error('The database schema could not be brought up to date', { cause: error });
}
