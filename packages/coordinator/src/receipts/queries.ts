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

export interface ReceiptPage {
  /** Newest first. */
  receipts: Row<'receipt'>[];
  /** The id behind which the next page starts, unless this is the last one. */
  next: string | undefined;
}

export async function listReceipts(db: Db, filter: ReceiptFilter): Promise<ReceiptPage> {
  const { clientId, providerId, before, limit } = filter;
  if (clientId !== undefined && providerId !== undefined) return await listBetween(db, filter);
  let query = db.selectFrom('receipt').selectAll();
  if (clientId !== undefined) query = query.where('client_id', '=', clientId);
  if (providerId !== undefined) query = query.where('provider_id', '=', providerId);
  if (before !== undefined) query = query.where('id', '<', before);
  const receipts = await query.orderBy('id', 'desc').limit(limit).execute();
  return { receipts, next: receipts.length < limit ? undefined : receipts.at(-1)?.id };
}

const SCANNED_AT_ONCE = 1_000;

/**
 * Those of one client and one provider. An index for them would cost every completed job more than it is worth to
 * anyone: a page is looked for among the provider's next thousand, and may so be short, or empty, and have a next.
 */
async function listBetween(
  db: Db,
  { clientId, providerId, before, limit }: ReceiptFilter,
): Promise<ReceiptPage> {
  let scan = db
    .selectFrom('receipt')
    .select(['id', 'client_id'])
    .where('provider_id', '=', providerId ?? -1);
  if (before !== undefined) scan = scan.where('id', '<', before);
  const scanned = await scan.orderBy('id', 'desc').limit(SCANNED_AT_ONCE).execute();
  const found = scanned.filter(receipt => receipt.client_id === clientId).map(({ id }) => id);
  const ids = found.slice(0, limit);
  const receipts =
    ids.length === 0
      ? []
      : await db.selectFrom('receipt').selectAll().where('id', 'in', ids).orderBy('id', 'desc').execute();
  const rest = scanned.length < SCANNED_AT_ONCE ? undefined : scanned.at(-1)?.id;
  return { receipts, next: found.length > limit ? ids.at(-1) : rest };
}

export async function listSigningKeys(db: Db): Promise<Row<'signing_key'>[]> {
  return await db.selectFrom('signing_key').selectAll().orderBy('created_at', 'desc').execute();
}
