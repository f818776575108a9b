import { type Kysely, sql } from 'kysely';
import type { DatabaseSchema, Row } from '../store/schema.ts';

type Db = Kysely<DatabaseSchema>;

/** How many things of one kind are named. */
export const MAX_NAMED = 20;

export async function listSuspended(db: Db): Promise<Pick<Row<'miner'>, 'id' | 'suspended_at'>[]> {
  return await db
    .selectFrom('miner')
    .select(['id', 'suspended_at'])
    .where('status', 'in', ['online', 'draining'])
    .where('suspended_at', 'is not', null)
    .limit(MAX_NAMED)
    .execute();
}

export type Unread = Pick<Row<'verification'>, 'model' | 'weights' | 'created_at'>;

/** Among how many waiting answers, those that are given up first, it is looked for such that nobody can read. */
const MAX_WAITING = 200;

/** Lists answers that wait for a verifier, in the order in which they are given up. */
export async function listUnread(db: Db): Promise<Unread[]> {
  return await db
    .selectFrom('verification')
    .select(['model', 'weights', 'created_at'])
    // As the index has it.
    .where('state', '=', sql.lit('waiting'))
    .orderBy('expires_at')
    .limit(MAX_WAITING)
    .execute();
}

/** Lists the verifiers that were seen since then. */
export async function listVerifiers(db: Db, since: number): Promise<Pick<Row<'verifier'>, 'weights'>[]> {
  return await db
    .selectFrom('verifier')
    .select('weights')
    .where('last_seen_at', '>=', since)
    .limit(1_000)
    .execute();
}

/** Lists webhooks that get no deliveries any more, by an index of those. */
export async function listDisabledWebhooks(
  db: Db,
): Promise<Pick<Row<'webhook'>, 'id' | 'url' | 'updated_at'>[]> {
  return await db
    .selectFrom('webhook')
    .select(['id', 'url', 'updated_at'])
    // As the index has it.
    .where('state', '=', sql.lit('disabled'))
    .orderBy('id', 'desc')
    .limit(MAX_NAMED)
    .execute();
}
