import { chmodSync, existsSync } from 'node:fs';
import { backup, DatabaseSync } from 'node:sqlite';
import { BACKUP_OF } from '../schema.ts';
import { databasePath } from './connection.ts';

/** One megabyte: enough for good throughput, and small enough for a smooth progress bar. */
const PAGES_PER_STEP = 256;

export interface CopyOptions {
  /** Called from time to time with the number of copied pages and of all pages. */
  onProgress?: (copied: number, all: number) => void;
  signal?: AbortSignal;
}

/**
 * Copies a database into a folder that has none, and marks the copy as a backup.
 *
 * @param snapshot from `openSnapshot`; over any other connection, each write by others would restart the copy
 */
export async function copyDatabase(
  snapshot: DatabaseSync,
  folder: string,
  { onProgress, signal }: CopyOptions = {},
): Promise<void> {
  const file = databasePath(folder);
  signal?.throwIfAborted();
  await backup(snapshot, file, {
    rate: PAGES_PER_STEP,
    progress({ totalPages, remainingPages }) {
      signal?.throwIfAborted();
      onProgress?.(totalPages - remainingPages, totalPages);
    },
  });
  chmodSync(file, 0o600);
  seal(file);
}

/** A coordinator that started on the copy would sign another history than the original, so the mark prevents that. */
function markAsBackup(copy: DatabaseSync): void {
  const insert = copy.prepare('INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)');
  insert.run(BACKUP_OF, new Date().toISOString());
}

/** Turns the copy into a single file, and throws where it is damaged. */
function seal(file: string): void {
  const copy = new DatabaseSync(file);
  try {
    copy.exec('PRAGMA journal_mode = DELETE');
    markAsBackup(copy);
    const [found] = Object.values(copy.prepare('PRAGMA quick_check(1)').get() ?? {});
    if (found !== 'ok') throw new Error(`the copy is damaged: ${found}`);
  } finally {
    copy.close();
  }
}

/** Whether the database in a folder is a backup that was not restored. */
export function isBackup(data: string): boolean {
  if (!existsSync(databasePath(data))) return false;
  const database = new DatabaseSync(databasePath(data), { readOnly: true });
  try {
    return database.prepare('SELECT 1 FROM setting WHERE name = ?').get(BACKUP_OF) !== undefined;
  } catch {
    // The database has no such table yet, or can't be read. Opening it will report the latter.
    return false;
  } finally {
    database.close();
  }
}
