import { SQLITE_TYPES } from '../migrations/column-types.ts';
import { migrate } from '../migrations/migrate.ts';
import { openForWriting } from './connection.ts';
import { kyselyOver } from './dialect.ts';

/** Brings the schema up to date, and answers the names of the migrations that were missing. */
export async function migrateSqlite(data: string): Promise<readonly string[]> {
  const database = openForWriting(data);
  try {
    return await migrate(kyselyOver(database), SQLITE_TYPES);
  } finally {
    database.close();
  }
}
