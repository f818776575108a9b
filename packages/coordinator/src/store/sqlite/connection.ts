import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { keepPrivate } from '../private-files.ts';

/** The file of the database in a folder. */
export const databasePath = (data: string) => join(data, 'coordinator.db');

/** The connection that writes, to the database in a folder, both made when missing. */
export function openForWriting(data: string): DatabaseSync {
  mkdirSync(data, { recursive: true, mode: 0o700 });
  // SQLite makes its log as it finds the database.
  keepPrivate(databasePath(data));
  const database = new DatabaseSync(databasePath(data));
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;
    PRAGMA foreign_keys = OFF; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 10000;`);
  return database;
}

/** Whether a folder has the database of a coordinator. */
export const hasStore = (data: string): boolean => existsSync(databasePath(data));

/** @throws where it has none */
export function requireStore(data: string): void {
  if (!hasStore(data)) throw new Error('no coordinator has kept anything in it');
}

/** A connection that sees what is committed. */
export function openForReading(data: string): DatabaseSync {
  const database = new DatabaseSync(databasePath(data), { readOnly: true });
  database.exec('PRAGMA busy_timeout = 5000; PRAGMA cache_size = -65536;');
  return database;
}

/** The database in a folder as of now, while others write to it. Whoever opens it closes it. */
export async function openMoment(data: string): Promise<DatabaseSync> {
  requireStore(data);
  const database = openForReading(data);
  try {
    // A transaction sees the moment of its first statement.
    database.exec('BEGIN; SELECT 1 FROM sqlite_schema');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
