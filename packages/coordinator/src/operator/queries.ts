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
