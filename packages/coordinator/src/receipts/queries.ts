import type { Kysely } from 'kysely';
import type { Row, Schema } from '../store/schema.ts';

type Db = Kysely<Schema>;

export async function findReceipt(db: Db, id: string): Promise<Row<'receipt'> | undefined> {
  return await db.selectFrom('receipt').selectAll().where('id', '=', id).executeTakeFirst();
}

export interface ReceiptFilter {
  clientId: number | undefined;
  providerId: number | undefined;
  /** Only receipts with a smaller id. */
  before: string | undefined;
  limit: number;
}

/** Newest first. */
export async function listReceipts(
  db: Db,
  { clientId, providerId, before, limit }: ReceiptFilter,
): Promise<Row<'receipt'>[]> {
  let query = db.selectFrom('receipt').selectAll();
  if (clientId !== undefined) query = query.where('client_id', '=', clientId);
  if (providerId !== undefined) query = query.where('provider_id', '=', providerId);
  if (before !== undefined) query = query.where('id', '<', before);
  return await query.orderBy('id', 'desc').limit(limit).execute();
}

export async function listSigningKeys(db: Db): Promise<Row<'signing_key'>[]> {
  return await db.selectFrom('signing_key').selectAll().orderBy('created_at', 'desc').execute();
}
