import type { Kysely } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

/** Adds the models that jobs fall back to, and when each of these jobs is looked at again. */
export async function addFallbacks({ schema }: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  const { integer, text, clustered } = types;
  await schema.alterTable('job_input').addColumn('models', text).execute();
  await schema
    .createTable('job_fallback')
    .addColumn('job_id', text, column => column.primaryKey())
    .addColumn('due_at', integer, column => column.notNull())
    .addColumn('attempts', integer, column => column.notNull())
    .$call(clustered)
    .execute();
  await schema.createIndex('job_fallback_due').on('job_fallback').columns(['due_at']).execute();
}
