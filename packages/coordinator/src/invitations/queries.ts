import type { Kysely } from 'kysely';
import type { DatabaseSchema, Row } from '../store/schema.ts';

type Db = Kysely<DatabaseSchema>;

export async function findInvitation(db: Db, id: string): Promise<Row<'invitation'> | undefined> {
  return await db.selectFrom('invitation').selectAll().where('id', '=', id).executeTakeFirst();
}

/** Lists invitations, newest first. */
export async function listInvitations(
  db: Db,
  before: string | undefined,
  limit: number,
): Promise<Row<'invitation'>[]> {
  let query = db.selectFrom('invitation').selectAll();
  if (before !== undefined) query = query.where('id', '<', before);
  return await query.orderBy('id', 'desc').limit(limit).execute();
}
