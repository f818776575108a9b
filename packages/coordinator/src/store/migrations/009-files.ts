import type { Kysely } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

/** Adds the files that clients upload and batches write. */
export async function addFiles({ schema }: Kysely<unknown>, { integer, text }: ColumnTypes): Promise<void> {
  await schema
    .createTable('file')
    .addColumn('id', text, column => column.primaryKey())
    .addColumn('account_id', integer, column => column.notNull())
    .addColumn('status', text, column => column.notNull())
    .addColumn('purpose', text, column => column.notNull())
    .addColumn('filename', text, column => column.notNull())
    .addColumn('bytes', integer, column => column.notNull())
    .addColumn('parts', integer, column => column.notNull())
    .addColumn('uses', integer, column => column.notNull())
    .addColumn('created_at', integer, column => column.notNull())
    .addColumn('expires_at', integer, column => column.notNull())
    .execute();
  await schema
    .createIndex('file_by_account')
    .on('file')
    .columns(['account_id', 'status', 'purpose', 'id'])
    .execute();
  await schema.createIndex('file_expiry').on('file').columns(['uses', 'expires_at']).execute();
  await schema
    .createTable('file_part')
    .addColumn('id', text, column => column.primaryKey())
    .addColumn('text', text, column => column.notNull())
    .execute();
}
