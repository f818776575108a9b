import { sql } from 'kysely';
import { createListeners } from '../listeners.ts';
import type { Lookup } from '../lookup.ts';
import type { Store } from '../store.ts';
import type { WriteHealth } from '../write-health.ts';
import type { Writer } from '../writer.ts';
import type { Writes } from '../writes.ts';
import { openForReading } from './connection.ts';
import { kyselyOver } from './dialect.ts';
import { withTranslatedError } from './faults.ts';
import type { FolderLock } from './lock.ts';
import { readAll, statementCache } from './read-rows.ts';

export interface SqliteOptions {
  /** The folder of the database, which must exist. */
  data: string;
  writes: Writes;
  /** The writer behind `writes`. */
  writer: Pick<Writer, 'syncUnderWay'>;
  health: WriteHealth;
  /** Released when the store closes. */
  lock: FolderLock | undefined;
}

/** The SQLite store. Reads resolve once the commits that they see are on disk. */
export function createSqliteStore({ data, writes, writer, health, lock }: SqliteOptions): Store {
  const reader = openForReading(data);
  const read = kyselyOver(reader).withPlugin({
    transformQuery: ({ node }) => node,
    async transformResult({ result }) {
      await writer.syncUnderWay;
      return result;
    },
  });
  const prepared = statementCache(reader);
  const { notify, onCommit } = createListeners();
  writes.onCommit(notify);

  return {
    isShared: false,
    read,
    async lookUp<R>({ select, column }: Lookup<R>, key: string) {
      const rows = withTranslatedError(() => readAll(prepared(`${select} WHERE ${column} = ?`), [key]));
      await writer.syncUnderWay;
      return rows as R[];
    },
    write: health.write,
    onFault: health.onFault,
    requireCurrent: health.requireCurrent,
    onCommit,
    async ping() {
      await sql`SELECT 1 FROM setting LIMIT 1`.execute(read);
      await health.requireWritable();
    },
    async close() {
      await writes.close();
      reader.close();
      lock?.release();
    },
  };
}
