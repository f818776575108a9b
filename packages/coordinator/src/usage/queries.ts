import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { DatabaseSchema } from '../store/schema.ts';
import { firstId } from './row-id.ts';

/** The tables of sums: their columns by the names that requests use, and what is summed. */
export const REPORTS = {
  usage: {
    groups: { day: 'day', account: 'account_id', key: 'key_id', model: 'model' },
    sums: ['jobs', 'failed', 'cancelled', 'tokens_in', 'tokens_out', 'credits'],
  },
  earning: {
    groups: { day: 'day', account: 'account_id', miner: 'miner_id', model: 'model' },
    sums: ['jobs', 'tokens_in', 'tokens_out', 'credits'],
  },
} as const;

export type ReportTable = keyof typeof REPORTS;

export interface ReportQuery {
  /** Days since the epoch. */
  from: number;
  to: number;
  /** Undefined for all accounts. */
  accountId: number | undefined;
  /** Values of columns that rows must have. */
  only: Readonly<Record<string, string>>;
  /** The columns to sum up by, in this order. */
  columns: readonly string[];
  /** The values of these columns after which the page starts. */
  after: readonly (string | number)[] | undefined;
  limit: number;
}

/** Sums up rows of a time. The rows are found by the primary key, or by an index that begins with the account. */
export async function sumUp(
  db: Kysely<DatabaseSchema>,
  table: ReportTable,
  { from, to, accountId, only, columns, after, limit }: ReportQuery,
): Promise<Record<string, string | number>[]> {
  const conditions: RawBuilder<unknown>[] = [sql`id >= ${firstId(from)}`, sql`id < ${firstId(to + 1)}`];
  if (accountId !== undefined) conditions.push(sql`account_id = ${accountId}`);
  for (const [column, value] of Object.entries(only)) conditions.push(sql`${sql.ref(column)} = ${value}`);
  const group = sql.join(columns.map(column => sql.ref(column)));
  if (after) conditions.push(sql`(${group}) > (${sql.join([...after])})`);
  const sums = REPORTS[table].sums.map(
    column => sql`CAST(sum(${sql.ref(column)}) AS bigint) AS ${sql.ref(column)}`,
  );
  const { rows } = await sql<Record<string, string | number>>`
    SELECT ${group}, ${sql.join(sums)} FROM ${sql.table(table)} WHERE ${sql.join(conditions, sql` AND `)}
    GROUP BY ${group} ORDER BY ${group} LIMIT ${limit}`.execute(db);
  return rows;
}

export async function findAddresses(
  db: Kysely<DatabaseSchema>,
  ids: readonly number[],
): Promise<Map<number, string>> {
  if (ids.length === 0) return new Map();
  const rows = await db.selectFrom('account').select(['id', 'address']).where('id', 'in', ids).execute();
  return new Map(rows.map(({ id, address }) => [id, address]));
}
