import type { Kysely } from 'kysely';
import type { DatabaseSchema, Row } from '../store/schema.ts';

type Db = Kysely<DatabaseSchema>;

export async function findReceipt(db: Db, id: string): Promise<Row<'entry'> | undefined> {
  return await receipts(db).selectAll().where('id', '=', id).executeTakeFirst();
}

export interface ReceiptFilter {
  clientId: number | undefined;
  providerId: number | undefined;
  /** Only receipts at smaller positions in the log. */
  before: number | undefined;
  limit: number;
}

export interface ReceiptPage {
  /** Newest first. */
  receipts: Pick<Row<'entry'>, 'leaf_index' | 'body'>[];
  /** The log position after which the next page starts. Undefined on the last page. */
  next: number | undefined;
}

const receipts = (db: Db) => db.selectFrom('entry').where('type', '=', 'receipt');

export async function listReceipts(db: Db, filter: ReceiptFilter): Promise<ReceiptPage> {
  const { clientId, providerId, before, limit } = filter;
  if (clientId !== undefined && providerId !== undefined) return await listBetween(db, filter);
  let query = receipts(db).select(['leaf_index', 'body']);
  if (clientId !== undefined) query = query.where('payer_id', '=', clientId);
  if (providerId !== undefined) query = query.where('payee_id', '=', providerId);
  if (before !== undefined) query = query.where('leaf_index', '<', before);
  const found = await query.orderBy('leaf_index', 'desc').limit(limit).execute();
  return { receipts: found, next: found.length < limit ? undefined : found.at(-1)?.leaf_index };
}

const ENTRIES_PER_SCAN = 1_000;

/**
 * Lists the receipts between one client and one provider. An index for this rare query would slow every completed job.
 * Instead each page searches the provider's next thousand entries, so a page can be short or empty and still have a
 * next page.
 */
async function listBetween(
  db: Db,
  { clientId, providerId, before, limit }: ReceiptFilter,
): Promise<ReceiptPage> {
  let scan = db
    .selectFrom('entry')
    .select(['leaf_index', 'payer_id'])
    .where('payee_id', '=', providerId ?? -1);
  if (before !== undefined) scan = scan.where('leaf_index', '<', before);
  const scanned = await scan.orderBy('leaf_index', 'desc').limit(ENTRIES_PER_SCAN).execute();
  const found = scanned.filter(entry => entry.payer_id === clientId).map(entry => entry.leaf_index);
  const places = found.slice(0, limit);
  const page =
    places.length === 0
      ? []
      : await receipts(db)
          .select(['leaf_index', 'body'])
          .where('leaf_index', 'in', places)
          .orderBy('leaf_index', 'desc')
          .execute();
  const rest = scanned.length < ENTRIES_PER_SCAN ? undefined : scanned.at(-1)?.leaf_index;
  return { receipts: page, next: found.length > limit ? places.at(-1) : rest };
}

export async function listSigningKeys(db: Db): Promise<Row<'signing_key'>[]> {
  return await db.selectFrom('signing_key').selectAll().orderBy('created_at', 'desc').execute();
}
