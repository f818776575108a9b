import { type Kysely, sql } from 'kysely';
import type { DatabaseSchema } from '../store/schema.ts';
import type { BatchRow } from './batch.ts';

type Db = Kysely<DatabaseSchema>;

export async function findBatch(db: Db, id: string): Promise<BatchRow | undefined> {
  return await db.selectFrom('batch').selectAll().where('id', '=', id).executeTakeFirst();
}

/** Lists batches, newest first. */
export async function listBatches(
  db: Db,
  { accountId, after, limit }: { accountId: number; after: string | undefined; limit: number },
): Promise<BatchRow[]> {
  let query = db.selectFrom('batch').selectAll().where('account_id', '=', accountId);
  if (after !== undefined) query = query.where('id', '<', after);
  return await query.orderBy('id', 'desc').limit(limit).execute();
}

/** Lists unfinished batches after the id `after`. */
export async function listUnderWay(db: Db, after: string, limit: number): Promise<BatchRow[]> {
  return await db
    .selectFrom('batch')
    .selectAll()
    .where(sql<boolean>`stage <> 'done'`)
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute();
}
