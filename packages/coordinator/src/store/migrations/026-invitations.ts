import type { Kysely } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

/** Adds invitations. */
export async function addInvitations(
  { schema }: Kysely<unknown>,
  { integer, text, clustered }: ColumnTypes,
): Promise<void> {
  let builder = schema
    .createTable('invitation')
    .addColumn('id', text, column => column.primaryKey())
    .addColumn('token_hash', text, column => column.notNull().unique())
    .addColumn('settings', text, column => column.notNull())
    .addColumn('key_valid_ms', integer);
  for (const name of ['max_uses', 'uses', 'created_at', 'expires_at'])
    builder = builder.addColumn(name, integer, column => column.notNull());
  await builder.addColumn('created_by', text).addColumn('revoked_at', integer).$call(clustered).execute();
}
