import { type Kysely, sql } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

const SEGMENT = 16_384;

/**
 * Indexes the ledger's entries by hash in segments of neighbouring entries. An index over all hashes has new entries on
 * random pages, so each one cost more the longer the ledger was.
 */
export async function addHashSegments(
  db: Kysely<unknown>,
  { integer, primaryInteger, text }: ColumnTypes,
): Promise<void> {
  const { schema } = db;
  await schema.alterTable('entry_hash').renameTo('old_entry_hash').execute();
  await schema
    .createTable('entry_hash')
    .addColumn('leaf_index', primaryInteger, column => column.primaryKey())
    .addColumn('segment', integer, column => column.notNull())
    .addColumn('prefix', text, column => column.notNull())
    .execute();
  await sql`
    INSERT INTO entry_hash (leaf_index, segment, prefix)
    SELECT leaf_index, CASE WHEN leaf_index < 0 THEN 0 ELSE leaf_index / ${sql.lit(SEGMENT)} END, substr(hash, 1, 16)
    FROM old_entry_hash`.execute(db);
  await schema.dropTable('old_entry_hash').execute();
  await schema.createIndex('entry_hash_by_segment').on('entry_hash').columns(['segment', 'prefix']).execute();
}
