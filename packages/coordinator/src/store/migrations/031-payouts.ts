import { type Kysely, sql } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

/** Adds payouts, and what accounts have earned and were paid. */
export async function addPayouts(
  db: Kysely<unknown>,
  { integer, text, clustered }: ColumnTypes,
): Promise<void> {
  await db.schema
    .createTable('payout')
    .addColumn('id', text, column => column.primaryKey())
    .addColumn('account_id', integer, column => column.notNull())
    .addColumn('amount', integer, column => column.notNull())
    .addColumn('status', text, column => column.notNull())
    .addColumn('update_ids', text, column => column.notNull())
    .$call(clustered)
    .execute();
  const indexes = {
    payout_by_account: ['account_id', 'id'],
    payout_by_status: ['status', 'id'],
    payout_by_account_and_status: ['account_id', 'status', 'id'],
  };
  for (const [name, columns] of Object.entries(indexes))
    await db.schema.createIndex(name).on('payout').columns(columns).execute();

  for (const name of ['earned', 'paid_out', 'payouts_confirmed', 'payouts_disputed'])
    await db.schema
      .alterTable('account')
      .addColumn(name, integer, column => column.notNull().defaultTo(0))
      .execute();
  await sql`UPDATE account SET earned = sums.earned
    FROM (SELECT payee_id, CAST(SUM(amount) AS bigint) AS earned FROM entry WHERE type = 'receipt' GROUP BY payee_id) AS sums
    WHERE sums.payee_id = account.id`.execute(db);
}
