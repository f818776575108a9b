import { type Kysely, sql } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

/** Adds the number of jobs, receipts and transactions of each account. */
export async function addExplorer(db: Kysely<unknown>, { integer }: ColumnTypes): Promise<void> {
  for (const name of ['jobs', 'jobs_run', 'receipts', 'transactions'])
    await db.schema
      .alterTable('account')
      .addColumn(name, integer, column => column.notNull().defaultTo(0))
      .execute();
  // A grant has no payer. A receipt whose payer and payee are one account counts once.
  const paid = sql`SELECT payer_id AS id, 1 AS jobs, 0 AS jobs_run, 1 AS receipts, 1 AS transactions
    FROM entry WHERE payer_id <> payee_id`;
  const earned = sql`SELECT payee_id, CASE WHEN payer_id = payee_id THEN 1 ELSE 0 END,
      CASE WHEN payer_id IS NULL THEN 0 ELSE 1 END, CASE WHEN payer_id IS NULL THEN 0 ELSE 1 END, 1
    FROM entry`;
  await sql`UPDATE account SET jobs = totals.jobs, jobs_run = totals.jobs_run, receipts = totals.receipts,
      transactions = totals.transactions
    FROM (SELECT id, SUM(jobs) AS jobs, SUM(jobs_run) AS jobs_run, SUM(receipts) AS receipts,
      SUM(transactions) AS transactions FROM (${paid} UNION ALL ${earned}) AS named GROUP BY id) AS totals
    WHERE totals.id = account.id`.execute(db);
}
