import { closeSync, fdatasync, openSync } from 'node:fs';
import { promisify } from 'node:util';
import { databasePath } from './connection.ts';

/**
 * Syncs the write-ahead log by a thread of Node's pool. SQLite would sync it within COMMIT (`synchronous=FULL`), and the
 * thread that answers requests would wait for the disk. With `synchronous=NORMAL` SQLite still syncs the log before it
 * copies its pages into the database, and the database before it starts the log anew, so a crash can't damage anything:
 * only commits that were not synced yet may be lost, and nobody was told about those.
 */
export interface LogSync {
  /** Resolves once all commits so far are on disk. */
  sync(): Promise<void>;
  close(): void;
}

const flush = promisify(fdatasync);

/** The log's file must exist once `sync` is called. It stays the same file for as long as a connection is open. */
export function createLogSync(data: string): LogSync {
  let file: number | undefined;
  return {
    async sync() {
      // Windows flushes only files that are open for writing.
      file ??= openSync(`${databasePath(data)}-wal`, 'r+');
      await flush(file);
    },
    close() {
      if (file !== undefined) closeSync(file);
    },
  };
}
