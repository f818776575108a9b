import type { ListTransactions, Transaction, TransactionDetail } from '@aitbc/protocol';
import { findAccountId } from '../accounts/accounts.ts';
import { fail } from '../errors.ts';
import { findIndexByHash } from '../ledger/entry-hashes.ts';
import type { PublicLedger } from '../ledger/ledger.ts';
import { isoTime } from '../store/numbers.ts';
import type { Store } from '../store/store.ts';
import { isHeight, readBlock } from './blocks.ts';
import { findBody, findOfType, findTransactions, listTransactions, type TransactionRow } from './queries.ts';

export interface TransactionQuery extends Pick<ListTransactions, 'address' | 'block' | 'type'> {
  limit: number;
  /** Only transactions with a smaller index. */
  before: number | undefined;
}

/**
 * Returns transactions, newest first, and the index before which the next page starts. Throws RequestError if there is
 * no such block.
 */
export async function readTransactions(
  store: Store,
  { address, block, type, limit, before }: TransactionQuery,
): Promise<{ transactions: Transaction[]; next: number | undefined }> {
  // For an address, also the transactions of ledgers before a restore, which have negative indexes.
  const first = address === undefined ? 0 : Number.MIN_SAFE_INTEGER;
  const range = block === undefined ? { from: first, before } : await rangeOf(store, block, before);
  const accountId = address === undefined ? undefined : await findAccountId(store.read, address);
  if (address !== undefined && accountId === undefined) return { transactions: [], next: undefined };
  const filter = { accountId, ...range, limit };
  if (type !== undefined) {
    const { indexes, next } = await findOfType(store.read, type, filter);
    return { transactions: (await findTransactions(store.read, indexes)).map(toTransaction), next };
  }
  const rows = await listTransactions(store.read, filter);
  const next = rows.length < limit ? undefined : rows.at(-1)?.leaf_index;
  return { transactions: rows.map(toTransaction), next };
}

async function rangeOf(store: Store, block: string, before: number | undefined) {
  const { first, tree_size } = await readBlock(store, block);
  return { from: first, before: Math.min(tree_size, before ?? tree_size) };
}

/**
 * @param id an index, or a hash in hex
 * @throws RequestError if there is no such transaction
 */
export async function readTransaction(
  store: Store,
  ledger: PublicLedger,
  id: string,
): Promise<TransactionDetail> {
  const index = isHeight(id) ? Number(id) : await findIndexByHash(store.read, id.toLowerCase());
  if (index === undefined) return transactionNotFound();
  const [rows, body] = await Promise.all([
    listTransactions(store.read, { accountId: undefined, from: index, before: index + 1, limit: 1 }),
    findBody(store.read, index),
  ]);
  if (!rows[0] || body === undefined) return transactionNotFound();
  return {
    ...toTransaction(rows[0]),
    statement: JSON.parse(body),
    inclusion: await ledger.inclusion({ leaf_index: index, body }),
  };
}

const transactionNotFound = () => fail('TRANSACTION_NOT_FOUND', 'The ledger has no such transaction');

function toTransaction(row: TransactionRow): Transaction {
  return {
    hash: row.hash,
    index: row.leaf_index < 0 ? null : row.leaf_index,
    height: row.leaf_index < 0 ? null : row.height,
    type: row.type,
    id: row.id,
    job_id: row.job_id,
    from: row.from,
    to: row.to,
    amount: row.amount / 1e6,
    timestamp: isoTime(row.created_at),
    size: row.bytes,
  };
}
