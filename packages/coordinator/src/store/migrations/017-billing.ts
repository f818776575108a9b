import type { Kysely } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

/** Adds what limits a price: the length of the prompt, and the time of an attempt in which no coordinator ran. */
export async function addBilling({ schema }: Kysely<unknown>, { integer }: ColumnTypes): Promise<void> {
  await schema.alterTable('job').addColumn('prompt_bytes', integer).execute();
  await schema
    .alterTable('job')
    .addColumn('away_ms', integer, column => column.notNull().defaultTo(0))
    .execute();
}
