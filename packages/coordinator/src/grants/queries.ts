import type { Kysely } from 'kysely';
import type { DatabaseSchema, Row } from '../store/schema.ts';

type Db = Kysely<DatabaseSchema>;

export async function findGrant(db: Db, id: string): Promise<Row<'entry'> | undefined> {
  return await db
    .selectFrom('entry')
    .selectAll()
    .where('id', '=', id)
    .where('type', '=', 'grant')
    .executeTakeFirst();
}

/** Lists grants, newest first, from before a position in the log. */
export async function listGrants(
  db: Db,
  before: number | undefined,
  limit: number,
): Promise<Pick<Row<'entry'>, 'leaf_index' | 'body'>[]> {
  let query = db.selectFrom('entry').select(['leaf_index', 'body']).where('payer_id', 'is', null);
  if (before !== undefined) query = query.where('leaf_index', '<', before);
  // Ordering by `payer_id`, which is always null here, makes PostgreSQL use the index over payers.
  return await query.orderBy('payer_id', 'desc').orderBy('leaf_index', 'desc').limit(limit).execute();
}
