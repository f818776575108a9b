import type { Kysely } from 'kysely';
import type { DatabaseSchema, Row } from '../store/schema.ts';

export interface AuditPage {
  limit: number;
  before: number | undefined;
  action: string | undefined;
  target: string | undefined;
}

/** Lists entries, newest first. Each filter has an index. */
export async function listEntries(
  db: Kysely<DatabaseSchema>,
  { limit, before, action, target }: AuditPage,
): Promise<Row<'audit_log'>[]> {
  let query = db.selectFrom('audit_log').selectAll();
  if (before !== undefined) query = query.where('id', '<', before);
  if (action !== undefined) query = query.where('action', '=', action);
  if (target !== undefined) query = query.where('target', '=', target);
  return await query.orderBy('id', 'desc').limit(limit).execute();
}
