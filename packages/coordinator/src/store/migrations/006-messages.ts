import type { Kysely } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

/** Adds jobs with more input than a prompt, and results with more output than a text. */
export async function addMessages({ schema }: Kysely<unknown>, { text }: ColumnTypes) {
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
