import type { Kysely } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

/** What bounds a price: the length of the prompt, and how long no coordinator ran while an attempt did. */
export async function billing({ schema }: Kysely<unknown>, { integer }: ColumnTypes): Promise<void> {
  await schema.alterTable('job').addColumn('prompt_bytes', integer).execute();
  await schema
    .alterTable('job')
    .addColumn('away_ms', integer, column => column.notNull().defaultTo(0))
    .execute();
}
