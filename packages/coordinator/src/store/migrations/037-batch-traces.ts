import type { Kysely } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

/** Adds the place of batches in their clients' traces. */
export async function addBatchTraces({ schema }: Kysely<unknown>, { text }: ColumnTypes): Promise<void> {
  await schema.alterTable('batch').addColumn('traceparent', text).execute();
}
