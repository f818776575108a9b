import type { Kysely } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

/** Adds the place of jobs in their clients' traces. */
export async function addTraces({ schema }: Kysely<unknown>, { text }: ColumnTypes): Promise<void> {
  await schema.alterTable('job').addColumn('traceparent', text).execute();
}
