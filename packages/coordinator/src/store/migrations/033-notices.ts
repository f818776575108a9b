import type { Kysely } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

/** Adds the operator's messages to miners. */
export async function addNotices(
  { schema }: Kysely<unknown>,
  { integer, text, clustered }: ColumnTypes,
): Promise<void> {
  await schema
    .createTable('notice')
    .addColumn('id', text, column => column.primaryKey())
    .addColumn('text', text, column => column.notNull())
    .addColumn('miner', text)
    .addColumn('owner', text)
    .addColumn('below_version', text)
    .addColumn('created_at', integer, column => column.notNull())
    .addColumn('expires_at', integer, column => column.notNull())
    .$call(clustered)
    .execute();
}
