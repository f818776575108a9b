import { sql } from 'kysely';
import { createBatcher } from '../batcher.ts';
import { createListeners } from '../listeners.ts';
import type { Store } from '../store.ts';
import { openForReading } from './connection.ts';
import { kyselyOver } from './dialect.ts';
import type { Writer } from './writer.ts';

export interface SqliteOptions {
  /** The folder that the writer has opened its database in. */
  data: string;
  writer: Writer;
  /** Released when the store is closed. */
  lock: { release(): void } | undefined;
  now: () => number;
  maxBatch: number;
}

/** The embedded store: reads in this thread, writes through `writer`. */
export function createSqliteStore({ data, writer, lock, now, maxBatch }: SqliteOptions): Store {
  const reader = openForReading(data);
  const read = kyselyOver(reader);
  const { tell, onCommit } = createListeners();
  const batcher = createBatcher(
    async calls => {
      const { results, events } = await writer.commit(calls, now());
      tell(events);
      return results;
    },
    { maxBatch },
  );

  return {
    read,
    write: batcher.write,
    onCommit,
    async ping() {
      await sql`SELECT 1 FROM setting LIMIT 1`.execute(read);
    },
    async close() {
      await batcher.idle();
      reader.close();
      await writer.close();
      lock?.release();
    },
  };
}
