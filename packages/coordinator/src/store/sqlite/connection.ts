import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ensurePrivateFile } from '../private-files.ts';

/** Path of the database's file in a data folder. */
export const databasePath = (data: string) => join(data, 'coordinator.db');

/** Opens a folder's database for writing, and creates the folder and the database where missing. */
export function openForWriting(data: string): DatabaseSync {
  mkdirSync(data, { recursive: true, mode: 0o700 });
  // SQLite gives its write-ahead log the permissions of the database's file.
  ensurePrivateFile(databasePath(data));
  const database = new DatabaseSync(databasePath(data));
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;
    PRAGMA foreign_keys = OFF; PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 10000;`);
  return database;
}

/** Whether a folder has a coordinator's database. */
const hasDatabase = (data: string): boolean => existsSync(databasePath(data));

/** Throws where the folder has no coordinator's database. */
export function requireDatabase(data: string): void {
  if (!hasDatabase(data)) throw new Error('no coordinator has kept anything in it');
}

/** Opens a folder's database for reading. The connection sees each commit of others. */
export function openForReading(data: string): DatabaseSync {
  const database = new DatabaseSync(databasePath(data), { readOnly: true });
  database.exec('PRAGMA busy_timeout = 5000; PRAGMA cache_size = -16384;');
  return database;
}

/** Opens a folder's database in its present state, whatever others write later. The caller must close it. */
export async function openSnapshot(data: string): Promise<DatabaseSync> {
  requireDatabase(data);
  const database = openForReading(data);
  try {
    // A transaction sees the state at its first statement.
    database.exec('BEGIN; SELECT 1 FROM sqlite_schema');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
