import type { Kysely } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

/** Jobs that ask for more than a prompt, and results that are more than a text. */
export async function messages({ schema }: Kysely<unknown>, { text }: ColumnTypes) {
  await schema
    .alterTable('job_input')
    .addColumn('kind', text, column => column.notNull().defaultTo('prompt'))
    .execute();
  await schema
    .alterTable('job_output')
    .addColumn('type', text, column => column.notNull().defaultTo('text'))
    .execute();
  await schema.alterTable('job_output').addColumn('finish_reason', text).execute();
}
