import { type Kysely, sql } from 'kysely';
import type { DatabaseSchema, Row } from '../../store/schema.ts';
import { dayId } from './day-id.ts';

type Db = Kysely<DatabaseSchema>;

/** Lists the days of an account, newest first. */
export async function listAccountDays(
  db: Db,
  accountId: number,
  limit: number,
): Promise<Row<'account_day'>[]> {
  return await db
    .selectFrom('account_day')
    .selectAll()
    .where('id', '>=', `${accountId}/`)
    .where('id', '<', `${accountId}0`)
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
}

/** Returns what the account received, less what it sent, before a day. */
export async function balanceBefore(db: Db, accountId: number, day: number): Promise<number> {
  const { balance } = await db
    .selectFrom('account_day')
    .select(sql<number>`CAST(COALESCE(SUM(received - sent), 0) AS bigint)`.as('balance'))
    .where('id', '>=', `${accountId}/`)
    .where('id', '<', dayId(accountId, day))
    .executeTakeFirstOrThrow();
  return Number(balance);
}

/** Lists the days of a miner from one on. The empty id stands for the coordinator. */
export async function listMinerDays(db: Db, minerId: string, from: number): Promise<Row<'miner_day'>[]> {
  return await db
    .selectFrom('miner_day')
    .selectAll()
    .where('id', '>=', dayId(minerId, from))
    .where('id', '<', `${minerId}0`)
    .execute();
}

export async function findRegistration(db: Db, minerId: string): Promise<number | undefined> {
  const miner = await db
    .selectFrom('miner')
    .select('registered_at')
    .where('id', '=', minerId)
    .where('status', '<>', 'removed')
    .executeTakeFirst();
  return miner?.registered_at;
}

export type DayEarnings = Pick<Row<'earning'>, 'day' | 'jobs' | 'tokens_in' | 'tokens_out' | 'credits'>;

/** Sums up by day what a miner earned, from a day on. */
export async function sumEarnings(db: Db, minerId: string, from: number): Promise<DayEarnings[]> {
  const sum = (column: 'jobs' | 'tokens_in' | 'tokens_out' | 'credits') =>
    sql<number>`CAST(SUM(${sql.ref(column)}) AS bigint)`.as(column);
  return await db
    .selectFrom('earning')
    .select(['day', sum('jobs'), sum('tokens_in'), sum('tokens_out'), sum('credits')])
    .where('miner_id', '=', minerId)
    .where('id', '>=', dayId('', from).slice(1))
    .groupBy('day')
    .execute();
}

/** Returns the index of the newest entry. */
export async function newestIndex(db: Db): Promise<number | undefined> {
  const row = await db
    .selectFrom('entry')
    .select('leaf_index')
    .orderBy('leaf_index', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.leaf_index;
}

export async function readCounter(db: Db, name: string): Promise<number | undefined> {
  const row = await db.selectFrom('counter').select('value').where('name', '=', name).executeTakeFirst();
  return row?.value;
}
