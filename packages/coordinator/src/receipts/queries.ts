import type { Receipt } from '@aitbc/protocol';
import type { Kysely } from 'kysely';
import type { DatabaseSchema, Row } from '../store/schema.ts';

type Db = Kysely<DatabaseSchema>;

export async function findReceipt(db: Db, id: string): Promise<Row<'entry'> | undefined> {
  return await receipts(db).selectAll().where('id', '=', id).executeTakeFirst();
}

export interface ReceiptFilter {
  clientId: number | undefined;
  providerId: number | undefined;
  minerId?: string | undefined;
  model?: string | undefined;
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
  const { clientId, providerId, minerId, model, before, limit } = filter;
  const isBetween = clientId !== undefined && providerId !== undefined;
  if (isBetween || minerId !== undefined || model !== undefined) return await searchReceipts(db, filter);
  let query = receipts(db).select(['leaf_index', 'body']);
  if (clientId !== undefined) query = query.where('payer_id', '=', clientId);
  if (providerId !== undefined) query = query.where('payee_id', '=', providerId);
  if (before !== undefined) query = query.where('leaf_index', '<', before);
  const found = await query.orderBy('leaf_index', 'desc').limit(limit).execute();
  return { receipts: found, next: found.length < limit ? undefined : found.at(-1)?.leaf_index };
}

const ENTRIES_PER_SCAN = 1_000;

/**
 * Lists receipts by what has no index: one client and one provider at once, the miner, or the model. Such an index would
 * slow every completed job. Instead each page searches the next thousand entries, of the provider or the client where
 * one is given, so a page can be short or empty and still have a next page.
 */
async function searchReceipts(db: Db, filter: ReceiptFilter): Promise<ReceiptPage> {
  const { clientId, providerId, minerId, model, before, limit } = filter;
  const readsBodies = minerId !== undefined || model !== undefined;
  let scan = db.selectFrom('entry').select(['leaf_index', 'payer_id', 'type']);
  if (providerId !== undefined) scan = scan.where('payee_id', '=', providerId);
  else if (clientId !== undefined) scan = scan.where('payer_id', '=', clientId);
  if (before !== undefined) scan = scan.where('leaf_index', '<', before);
  const scanned = await scan
    .$if(readsBodies, query => query.select('body'))
    .orderBy('leaf_index', 'desc')
    .limit(ENTRIES_PER_SCAN)
    .execute();
  const names = namesIn({ minerId, model });
  const found = scanned
    .filter(({ type, payer_id }) => type === 'receipt' && (clientId === undefined || payer_id === clientId))
    .filter(({ body = '' }) => names(body))
    .map(({ leaf_index }) => leaf_index);
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

/** Returns whether a receipt names the miner and the model. Parsing all that are searched would take most of the time. */
function namesIn({ minerId, model }: Pick<ReceiptFilter, 'minerId' | 'model'>): (body: string) => boolean {
  const texts = [minerId, model].filter(name => name !== undefined).map(name => JSON.stringify(name));
  return body => {
    if (texts.length === 0) return true;
    if (!texts.every(text => body.includes(text))) return false;
    const receipt: Pick<Receipt, 'model' | 'metadata'> = JSON.parse(body);
    return (
      (model === undefined || receipt.model === model) &&
      (minerId === undefined || receipt.metadata.miner_id === minerId)
    );
  };
}

/** Returns the account that a miner is paid to now. */
export async function findPayee(db: Db, minerId: string): Promise<number | undefined> {
  const miner = await db.selectFrom('miner').select('payee_id').where('id', '=', minerId).executeTakeFirst();
  return miner?.payee_id;
}

export async function listSigningKeys(db: Db): Promise<Row<'signing_key'>[]> {
  return await db.selectFrom('signing_key').selectAll().orderBy('created_at', 'desc').execute();
}
