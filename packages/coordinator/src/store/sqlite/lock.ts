import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { keepPrivate } from '../private-files.ts';
import { faultOf } from './faults.ts';

export interface FolderLock {
  release(): void;
}

/**
 * Keeps a second coordinator off a data folder: each would know nothing of who waits at the other. The lock is one of
 * the operating system's, on a file of its own, so it goes with the process however that ends.
 *
 * @throws when another process holds it
 */
export function lockFolder(data: string): FolderLock {
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const path = join(data, 'coordinator.lock');
  keepPrivate(path);
  const file = new DatabaseSync(path);
  try {
    file.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    file.close();
    if (faultOf(error) !== 'busy') throw error;
    throw new Error('another coordinator runs on this folder; several of them need PostgreSQL');
  }
  return { release: () => file.close() };
}
