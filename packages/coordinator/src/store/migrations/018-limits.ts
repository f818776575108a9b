import { type Kysely, sql } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

/** Adds the limits of keys, the work in progress of accounts, and the allowances that several coordinators share. */
export async function addLimits(
  db: Kysely<unknown>,
  { integer, text, schema: named }: ColumnTypes,
): Promise<void> {
  const { schema } = db;
  await schema.alterTable('api_key').addColumn('tier', text).execute();
  await schema.alterTable('api_key').addColumn('max_priority', integer).execute();
  for (const name of [
    'pending',
    'running',
    'spent',
    'spent_before',
    'spent_day',
    'input_bytes',
    'file_bytes',
  ])
    await schema
      .alterTable('account')
      .addColumn(name, integer, column => column.notNull().defaultTo(0))
      .execute();
  await schema.alterTable('batch').addColumn('tier', text).execute();
  await schema
    .alterTable('job')
    .addColumn('input_bytes', integer, column => column.notNull().defaultTo(0))
    .execute();
  // Only `rate-limiter-flexible` reads and writes this table, and only where coordinators share a database.
  if (named)
    await schema
      .createTable('rate_limit')
      .addColumn('key', text, column => column.primaryKey())
      .addColumn('points', integer, column => column.notNull())
      .addColumn('expire', integer)
      .execute();
  for (const status of ['pending', 'running'])
    await sql`
      UPDATE account SET ${sql.ref(status)} = under_way.jobs FROM (
        SELECT account_id, count(*) AS jobs FROM job WHERE status = ${status} AND role <> 'replicated' GROUP BY account_id
      ) AS under_way WHERE under_way.account_id = account.id`.execute(db);
  await sql`
    UPDATE account SET file_bytes = files.bytes FROM (
      SELECT account_id, sum(bytes) AS bytes FROM file GROUP BY account_id
    ) AS files WHERE files.account_id = account.id`.execute(db);
}
