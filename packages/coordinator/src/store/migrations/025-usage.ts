import type { Kysely } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

/** Adds the sums of what keys used and of what miners earned, by day and model. */
export async function addUsage(
  { schema }: Kysely<unknown>,
  { integer, text, clustered }: ColumnTypes,
): Promise<void> {
  const sums = { usage: ['jobs', 'failed', 'cancelled'], earning: ['jobs'] };
  for (const [table, counts] of Object.entries(sums)) {
    let builder = schema
      .createTable(table)
      .addColumn('id', text, column => column.primaryKey())
      .addColumn('account_id', integer, column => column.notNull())
      .addColumn(table === 'usage' ? 'key_id' : 'miner_id', text, column => column.notNull())
      .addColumn('day', integer, column => column.notNull())
      .addColumn('model', text, column => column.notNull());
    for (const sum of [...counts, 'tokens_in', 'tokens_out', 'credits'])
      builder = builder.addColumn(sum, integer, column => column.notNull());
    await builder.$call(clustered).execute();
    await schema.createIndex(`${table}_account`).on(table).columns(['account_id', 'id']).execute();
  }
}
