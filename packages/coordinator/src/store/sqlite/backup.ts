import { chmodSync } from 'node:fs';
import { backup, DatabaseSync } from 'node:sqlite';
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

/** Leaves a sound database in a single file. */
function seal(file: string): void {
  const copy = new DatabaseSync(file);
  try {
    copy.exec('PRAGMA journal_mode = DELETE');
    const [found] = Object.values(copy.prepare('PRAGMA quick_check(1)').get() ?? {});
    if (found !== 'ok') throw new Error(`the copy is damaged: ${found}`);
  } finally {
    copy.close();
  }
}
