import { chmodSync, existsSync } from 'node:fs';
import { backup, DatabaseSync } from 'node:sqlite';
import { BACKUP_OF } from '../schema.ts';
import { databasePath } from './connection.ts';

/** A megabyte: long enough for throughput, short enough for a bar that moves. */
const PAGES_AT_ONCE = 256;

export interface CopyOptions {
  /** Called now and then with the pages that are copied, of all. */
  onProgress?: (copied: number, all: number) => void;
  signal?: AbortSignal;
}

/**
 * Copies a database into a folder without one.
 *
 * @param moment from `openMoment`: of another connection, the copy would begin anew with each write of somebody else
 */
export async function copyDatabase(
  moment: DatabaseSync,
  folder: string,
  { onProgress, signal }: CopyOptions = {},
): Promise<void> {
  const file = databasePath(folder);
  signal?.throwIfAborted();
  await backup(moment, file, {
    rate: PAGES_AT_ONCE,
    progress({ totalPages, remainingPages }) {
      signal?.throwIfAborted();
      onProgress?.(totalPages - remainingPages, totalPages);
    },
  });
  chmodSync(file, 0o600);
  seal(file);
}

/** A copy that is started on would sign another history than the original, so it says what it is. */
function mark(copy: DatabaseSync): void {
  const insert = copy.prepare('INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)');
  insert.run(BACKUP_OF, new Date().toISOString());
}

/** Leaves a sound database in a single file. */
function seal(file: string): void {
  const copy = new DatabaseSync(file);
  try {
    copy.exec('PRAGMA journal_mode = DELETE');
    mark(copy);
    const [found] = Object.values(copy.prepare('PRAGMA quick_check(1)').get() ?? {});
    if (found !== 'ok') throw new Error(`the copy is damaged: ${found}`);
  } finally {
    copy.close();
  }
}

/** Whether the database in a folder is a backup that nobody has restored. */
export function isBackup(data: string): boolean {
  if (!existsSync(databasePath(data))) return false;
  const database = new DatabaseSync(databasePath(data), { readOnly: true });
  try {
    return database.prepare('SELECT 1 FROM setting WHERE name = ?').get(BACKUP_OF) !== undefined;
  } catch {
    // It has no such table yet, or can't be read, which is told by whoever does more with it.
    return false;
  } finally {
    database.close();
  }
}
