import type { Kysely } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

/** Adds the parts of a request that engines get exactly as the client wrote them. The hash covers canonical JSON. */
export async function addOwnText(db: Kysely<unknown>, { text }: ColumnTypes): Promise<void> {
  await db.schema.alterTable('job_input').addColumn('own', text).execute();
}
