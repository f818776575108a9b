import { type Kysely, sql } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

/** Adds batches: files of requests, each of which runs as a job. */
export async function addBatches({ schema }: Kysely<unknown>, { integer, text }: ColumnTypes): Promise<void> {
  await schema
    .createTable('batch')
    .addColumn('id', text, column => column.primaryKey())
    .addColumn('account_id', integer, column => column.notNull())
    .addColumn('endpoint', text, column => column.notNull())
    .addColumn('completion_window', text, column => column.notNull())
    .addColumn('metadata', text)
    .addColumn('input_file_id', text, column => column.notNull())
    .addColumn('output_file_id', text)
    .addColumn('error_file_id', text)
    .addColumn('errors', text)
    .addColumn('stage', text, column => column.notNull())
    .addColumn('outcome', text)
    .addColumn('part', integer, column => column.notNull())
    .addColumn('position', integer, column => column.notNull())
    .addColumn('line', integer, column => column.notNull())
    .addColumn('total', integer, column => column.notNull())
    .addColumn('completed', integer, column => column.notNull())
    .addColumn('failed', integer, column => column.notNull())
    .addColumn('outstanding', integer, column => column.notNull())
    .addColumn('created_at', integer, column => column.notNull())
    .addColumn('expires_at', integer, column => column.notNull())
    .addColumn('in_progress_at', integer)
    .addColumn('cancelling_at', integer)
    .addColumn('finalizing_at', integer)
    .addColumn('ended_at', integer)
    .execute();
  await schema.createIndex('batch_by_account').on('batch').columns(['account_id', 'id']).execute();
  await schema
    .createIndex('batch_under_way')
    .on('batch')
    .columns(['id'])
    .where(sql<boolean>`stage <> 'done'`)
    .execute();
  await schema.alterTable('job').addColumn('batch_line', text).execute();
  await schema
    .createIndex('job_batch_line')
    .unique()
    .on('job')
    .columns(['batch_line'])
    .where(sql<boolean>`batch_line IS NOT NULL`)
    .execute();
}
