import { type Kysely, sql } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

const COUNTS = ['successes', 'failures', 'timeouts', 'agreements', 'disagreements'] as const;

/** Moves the reputation from miners to their owners, and adds each client's share in it. */
export async function addStanding(db: Kysely<unknown>, { integer, primaryInteger, real, text }: ColumnTypes) {
  const { schema } = db;

  let table = schema.createTable('standing').addColumn('id', primaryInteger, column => column.primaryKey());
  for (const name of COUNTS)
    table = table.addColumn(name, real, column => column.notNull().defaultTo(0)) as typeof table;
  await table
    .addColumn('weighed_at', integer, column => column.notNull())
    .addColumn('suspended_at', integer)
    .addColumn('probation', integer, column => column.notNull().defaultTo(0))
    .addColumn('compared', integer, column => column.notNull().defaultTo(0))
    .addColumn('alone', integer, column => column.notNull().defaultTo(0))
    .execute();
  const sums = sql.raw(COUNTS.map(name => `sum(${name})`).join());
  await sql`INSERT INTO standing (id, ${sql.raw(COUNTS.join())}, weighed_at, suspended_at)
    SELECT operator_id, ${sums}, max(weighed_at), min(suspended_at) FROM miner GROUP BY operator_id`.execute(
    db,
  );
  for (const name of [...COUNTS, 'weighed_at']) await schema.alterTable('miner').dropColumn(name).execute();

  await schema
    .alterTable('miner')
    .addColumn('probation', integer, column => column.notNull().defaultTo(0))
    .execute();

  await schema
    .createTable('blame')
    .addColumn('id', text, column => column.primaryKey())
    .addColumn('weight', real, column => column.notNull())
    .addColumn('weighed_at', integer, column => column.notNull())
    .execute();
  await schema.createIndex('blame_by_age').on('blame').columns(['weighed_at']).execute();
  await schema
    .alterTable('account')
    .addColumn('trusted', integer, column => column.notNull().defaultTo(0))
    .execute();
  await schema.createIndex('miner_by_owner').on('miner').columns(['owner_id', 'status']).execute();
  await schema.createIndex('miner_by_operator').on('miner').columns(['operator_id']).execute();
}
