import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ensurePrivateFile } from '../private-files.ts';
import { sqliteFaultOf } from './faults.ts';

export interface FolderLock {
  release(): void;
}

/**
 * Keeps a second coordinator off a data folder, since neither would notify clients and miners that wait at the other.
 * The operating system holds the lock on a separate file, and releases it however the process ends.
 *
 * @throws when another process holds it
 */
export function lockFolder(data: string): FolderLock {
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const path = join(data, 'coordinator.lock');
  ensurePrivateFile(path);
  const file = new DatabaseSync(path);
  try {
    file.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    file.close();
    if (sqliteFaultOf(error) !== 'busy') throw error;
    throw new Error('another coordinator runs on this folder; several of them need PostgreSQL');
  }
  return { release: () => file.close() };
}
