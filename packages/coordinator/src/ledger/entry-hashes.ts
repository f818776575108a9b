import { type Kysely, sql } from 'kysely';
import type { DatabaseSchema, Row } from '../store/schema.ts';

/*
 * Finds entries by their leaf hashes. Hashes are random, so an index over all of them would write another page for each
 * new entry, more pages the longer the ledger is. This one is ordered by segments of neighbouring entries first: new
 * entries go to the last segment, whose few pages are in memory, and a search looks into each segment.
 */

/** A search in 100 million entries looks into 6,104 segments, which takes some 30 ms. */
const ENTRIES_PER_SEGMENT = 16_384;

/** 64 bits of a hash: enough that hardly any other entry has them. */
const PREFIX_DIGITS = 16;

export const toEntryHash = ({
  leaf_index,
  hash,
}: Pick<Row<'entry'>, 'leaf_index' | 'hash'>): Row<'entry_hash'> => ({
  leaf_index,
  segment: Math.floor(leaf_index / ENTRIES_PER_SEGMENT),
  prefix: hash.slice(0, PREFIX_DIGITS),
});

const NEWEST = 1_000;

/**
 * Returns the index of the entry with this leaf hash, in lower-case hex. Hashes are indexed when the tree is extended,
 * which happens a publication interval after the entries. So the newest entries are searched directly.
 */
export async function findIndexByHash(db: Kysely<DatabaseSchema>, hash: string): Promise<number | undefined> {
  const prefix = hash.slice(0, PREFIX_DIGITS);
  const { rows } = await sql<{ leaf_index: number }>`
    WITH RECURSIVE segment_number (n) AS (
      SELECT coalesce(max(segment), -1) FROM entry_hash
      UNION ALL
      SELECT n - 1 FROM segment_number WHERE n > 0
    )
    SELECT entry.leaf_index AS leaf_index FROM segment_number
    CROSS JOIN entry_hash
    CROSS JOIN entry
    WHERE entry_hash.segment = n AND entry_hash.prefix = ${prefix}
      AND entry.leaf_index = entry_hash.leaf_index AND entry.hash = ${hash}
    LIMIT 1`.execute(db);
  return rows[0]?.leaf_index ?? (await findAmongNewest(db, hash));
}

async function findAmongNewest(db: Kysely<DatabaseSchema>, hash: string): Promise<number | undefined> {
  const newest = db
    .selectFrom('entry')
    .select(['leaf_index', 'hash'])
    .orderBy('leaf_index', 'desc')
    .limit(NEWEST)
    .as('newest');
  const row = await db.selectFrom(newest).select('leaf_index').where('hash', '=', hash).executeTakeFirst();
  return row?.leaf_index;
}
