import { type AliasedExpression, type Kysely, sql } from 'kysely';
import type { DatabaseSchema, Row } from '../store/schema.ts';

type Db = Kysely<DatabaseSchema>;
type Checkpoint = Row<'checkpoint'>;

export async function readCounters(db: Db): Promise<Map<string, number>> {
  const rows = await db.selectFrom('counter').selectAll().execute();
  return new Map(rows.map(row => [row.name, row.value]));
}

export async function readActivity(db: Db, from: number): Promise<Row<'activity'>[]> {
  return await db.selectFrom('activity').selectAll().where('hour', '>=', from).orderBy('hour').execute();
}

/** Returns the activity summed over periods of `periodMs`. */
export async function sumActivity(db: Db, from: number, periodMs: number): Promise<Row<'activity'>[]> {
  const period = sql<number>`hour - hour % ${sql.lit(periodMs)}`;
  const sum = (column: 'receipts' | 'amount') => sql<number>`CAST(SUM(${sql.ref(column)}) AS bigint)`;
  return await db
    .selectFrom('activity')
    .select([period.as('hour'), sum('receipts').as('receipts'), sum('amount').as('amount')])
    .where('hour', '>=', from)
    .groupBy(period)
    .execute();
}

/** Lists checkpoints below a height, newest first. */
export async function listCheckpoints(
  db: Db,
  { before, limit }: { before: number | undefined; limit: number },
): Promise<Checkpoint[]> {
  let query = db.selectFrom('checkpoint').selectAll();
  if (before !== undefined) query = query.where('height', '<', before);
  return await query.orderBy('height', 'desc').limit(limit).execute();
}

export async function findHeight(db: Db, hash: string): Promise<number | undefined> {
  const row = await db.selectFrom('checkpoint').select('height').where('hash', '=', hash).executeTakeFirst();
  return row?.height;
}

export async function findHash(db: Db, height: number): Promise<string | undefined> {
  const row = await db
    .selectFrom('checkpoint')
    .select('hash')
    .where('height', '=', height)
    .executeTakeFirst();
  return row?.hash;
}

/** An entry with the addresses that it names and the height of its block. */
export type TransactionRow = Pick<
  Row<'entry'>,
  'leaf_index' | 'id' | 'type' | 'job_id' | 'amount' | 'hash' | 'bytes' | 'created_at'
> & { from: string | null; to: string | null; height: number | null };

export interface TransactionFilter {
  accountId: number | undefined;
  /** Only entries from this index on. */
  from: number;
  /** Only entries before this index. */
  before: number | undefined;
  limit: number;
}

const ENTRIES_PER_SCAN = 1_000;

/**
 * Returns the indexes of the newest entries of a type, and the index before which the next page starts. There is an index
 * of all that are not receipts. Receipts, and the entries of an account, are searched a thousand at a time.
 */
export async function findOfType(
  db: Db,
  type: Row<'entry'>['type'],
  { accountId, from, before, limit }: TransactionFilter,
): Promise<{ indexes: number[]; next: number | undefined }> {
  if (accountId === undefined && type !== 'receipt') {
    let query = db.selectFrom('entry').select('leaf_index').where('type', '=', type);
    // As the index has it.
    query = query.where('type', '<>', sql.lit('receipt')).where('leaf_index', '>=', from);
    if (before !== undefined) query = query.where('leaf_index', '<', before);
    const found = await query.orderBy('leaf_index', 'desc').limit(limit).execute();
    const indexes = found.map(({ leaf_index }) => leaf_index);
    return { indexes, next: indexes.length < limit ? undefined : indexes.at(-1) };
  }
  const page = pagesOf(db, { accountId, from, before, limit: ENTRIES_PER_SCAN });
  const scanned = await db
    .selectFrom(page.as('page'))
    .innerJoin('entry', 'entry.leaf_index', 'page.leaf_index')
    .select(['entry.leaf_index', 'entry.type'])
    .orderBy('entry.leaf_index', 'desc')
    .limit(ENTRIES_PER_SCAN)
    .execute();
  const found = scanned.filter(entry => entry.type === type).map(({ leaf_index }) => leaf_index);
  const rest = scanned.length < ENTRIES_PER_SCAN ? undefined : scanned.at(-1)?.leaf_index;
  return { indexes: found.slice(0, limit), next: found.length > limit ? found[limit - 1] : rest };
}

/** Lists transactions, newest first. */
export async function listTransactions(db: Db, filter: TransactionFilter): Promise<TransactionRow[]> {
  const page = db
    .selectFrom(pagesOf(db, filter).as('found'))
    .select('leaf_index')
    .orderBy('leaf_index', 'desc')
    .limit(filter.limit)
    .as('page');
  return await describeEntries(db, page);
}

/** Returns the transactions with these indexes, newest first. */
export async function findTransactions(db: Db, indexes: readonly number[]): Promise<TransactionRow[]> {
  if (indexes.length === 0) return [];
  return await describeEntries(
    db,
    db.selectFrom('entry').select('leaf_index').where('leaf_index', 'in', indexes).as('page'),
  );
}

/** An entry whose payer is also its payee is on both pages of an account; the union removes the duplicate. */
const pagesOf = (db: Db, filter: TransactionFilter) =>
  filter.accountId === undefined
    ? pageOf(db, filter)
    : pageOf(db, filter, 'payer_id').union(pageOf(db, filter, 'payee_id'));

async function describeEntries(
  db: Db,
  page: AliasedExpression<{ leaf_index: number }, 'page'>,
): Promise<TransactionRow[]> {
  return await db
    .selectFrom(page)
    .innerJoin('entry', 'entry.leaf_index', 'page.leaf_index')
    .leftJoin('account as payer', 'payer.id', 'entry.payer_id')
    .leftJoin('account as payee', 'payee.id', 'entry.payee_id')
    .select(['entry.leaf_index', 'entry.id', 'entry.type', 'entry.job_id', 'entry.amount'])
    .select(['entry.hash', 'entry.bytes', 'entry.created_at'])
    .select(['payer.address as from', 'payee.address as to'])
    .select(query =>
      query
        .selectFrom('checkpoint')
        .select('height')
        .whereRef('size', '>', 'entry.leaf_index')
        .orderBy('size')
        .limit(1)
        .as('height'),
    )
    .orderBy('entry.leaf_index', 'desc')
    .execute();
}

function pageOf(
  db: Db,
  { accountId, from, before, limit }: TransactionFilter,
  party?: 'payer_id' | 'payee_id',
) {
  let query = db.selectFrom('entry').select('leaf_index').where('leaf_index', '>=', from);
  if (party !== undefined) query = query.where(party, '=', accountId ?? null);
  if (before !== undefined) query = query.where('leaf_index', '<', before);
  // SQLite accepts ORDER BY and LIMIT within a union only in a subquery.
  return db.selectFrom(query.orderBy('leaf_index', 'desc').limit(limit).as('found')).select('leaf_index');
}

export async function findBody(db: Db, index: number): Promise<string | undefined> {
  const row = await db.selectFrom('entry').select('body').where('leaf_index', '=', index).executeTakeFirst();
  return row?.body;
}

export type NamedEntry = Pick<Row<'entry'>, 'id' | 'type' | 'hash'>;

/** Returns an entry by the id of its statement or by its index. */
export async function findEntry(
  db: Db,
  by: { id: string } | { index: number },
): Promise<NamedEntry | undefined> {
  const entries = db.selectFrom('entry').select(['id', 'type', 'hash']);
  const found = 'id' in by ? entries.where('id', '=', by.id) : entries.where('leaf_index', '=', by.index);
  return await found.executeTakeFirst();
}

/** The id of the receipt of a job, by which everyone may know of the job. */
export async function findReceiptId(db: Db, id: string): Promise<string | undefined> {
  const job = await db.selectFrom('job').select('receipt_id').where('id', '=', id).executeTakeFirst();
  return job?.receipt_id ?? undefined;
}

export async function hasMiner(db: Db, id: string): Promise<boolean> {
  const miner = await db
    .selectFrom('miner')
    .select('id')
    .where('id', '=', id)
    .where('status', '!=', 'removed')
    .executeTakeFirst();
  return miner !== undefined;
}
