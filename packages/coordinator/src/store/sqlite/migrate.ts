import { SQLITE_TYPES } from '../migrations/column-types.ts';
import { migrateSchema } from '../migrations/migrate.ts';
import { openForWriting } from './connection.ts';
import { kyselyOver } from './dialect.ts';

/** Brings the schema up to date, and returns the names of the migrations that it applied. */
export async function migrateSqlite(data: string): Promise<readonly string[]> {
  const database = openForWriting(data);
  try {
    return await migrateSchema(kyselyOver(database), SQLITE_TYPES);
  } finally {
    database.close();
  }
}
