import { type Kysely, sql } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

/** Adds what miners and addresses did on each day, and indexes for the explorer. */
export async function addHistory(
  db: Kysely<unknown>,
  { integer, text, clustered }: ColumnTypes,
): Promise<void> {
  const { schema } = db;
  await schema
    .createTable('miner_day')
    .addColumn('id', text, column => column.primaryKey())
    .addColumn('day', integer, column => column.notNull())
    .addColumn('slots', integer, column => column.notNull())
    .addColumn('last_slot', integer, column => column.notNull())
    .$call(clustered)
    .execute();
  await schema.createIndex('miner_day_by_day').on('miner_day').column('day').execute();
  let days = schema.createTable('account_day').addColumn('id', text, column => column.primaryKey());
  for (const name of ['day', 'received', 'sent', 'transactions'])
    days = days.addColumn(name, integer, column => column.notNull());
  await days.$call(clustered).execute();
  await schema.createIndex('earning_by_miner').on('earning').columns(['miner_id', 'id']).execute();
  await sql`CREATE INDEX entry_by_rare_type ON entry (type, leaf_index) WHERE type <> 'receipt'`.execute(db);
  await sql`INSERT INTO counter (name, value) VALUES ('ledger.days', 0)`.execute(db);
}
