import type { Kysely } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

/** What engines take as the client wrote it, beside the canonical JSON that is hashed. */
export async function ownText(db: Kysely<unknown>, { text }: ColumnTypes): Promise<void> {
  await db.schema.alterTable('job_input').addColumn('own', text).execute();
}
