import type { Kysely } from 'kysely';
import type { Schema } from '../store/schema.ts';

export async function readCounters(db: Kysely<Schema>): Promise<Map<string, number>> {
  const rows = await db.selectFrom('counter').selectAll().execute();
  return new Map(rows.map(row => [row.name, row.value]));
}
