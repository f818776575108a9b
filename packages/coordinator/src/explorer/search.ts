import type { SearchKind, SearchResult } from '@aitbc/protocol';
import { isAddress } from '@aitbc/receipts';
import { findIndexByHash } from '../ledger/entry-hashes.ts';
import type { Directory } from '../miners/directory.ts';
import type { Store } from '../store/store.ts';
import { readAddress } from './addresses.ts';
import { isHeight } from './blocks.ts';
import { findEntry, findHash, findHeight, findReceiptId, hasMiner, type NamedEntry } from './queries.ts';

/**
 * Returns everything with this name or hash: at most one result of each kind. Only completed jobs are found, because
 * only they have public receipts, and only models that a live miner offers.
 */
export async function searchLedger(
  store: Store,
  directory: Pick<Directory, 'offers'>,
  text: string,
): Promise<SearchResult[]> {
  const query = text.trim();
  if (isHeight(query)) return await byNumber(store, Number(query));
  if (/^(0x)?[0-9a-f]{64}$/i.test(query)) return await byHash(store, query.slice(-64).toLowerCase());
  if (isAddress(query)) return await byAddress(store, query);
  return [...(await byId(store, query)), ...(await byName(store, directory, query))];
}

async function byNumber({ read }: Store, number: number): Promise<SearchResult[]> {
  const [block, entry] = await Promise.all([findHash(read, number), findEntry(read, { index: number })]);
  return [...(block === undefined ? [] : [blockResult(block)]), ...(entry ? [transactionResult(entry)] : [])];
}

async function byHash({ read }: Store, hash: string): Promise<SearchResult[]> {
  const [height, index] = await Promise.all([findHeight(read, hash), findIndexByHash(read, hash)]);
  return [
    ...(height === undefined ? [] : [blockResult(hash)]),
    ...(index === undefined ? [] : [transactionResult({ hash })]),
  ];
}

async function byAddress(store: Store, address: string): Promise<SearchResult[]> {
  const { transactions } = await readAddress(store, address);
  return transactions === 0 ? [] : [result('address', address, `/explorer/addresses/${address}`)];
}

async function byId(store: Store, id: string): Promise<SearchResult[]> {
  const receiptId = await findReceiptId(store.read, id);
  const entry = await findEntry(store.read, { id: receiptId ?? id });
  if (!entry) return [];
  const { type } = entry;
  // Entries of other types have no route of their own.
  if (type !== 'receipt' && type !== 'grant' && type !== 'payout') return [transactionResult(entry)];
  const path = `/v1/${type}s/${entry.id}`;
  return [
    ...(receiptId === undefined ? [] : [result('job', id, path)]),
    result(type, entry.id, path),
    transactionResult(entry),
  ];
}

/** Returns the miner and the model of this name. Miners choose the names of both, so they may equal anything. */
async function byName(
  { read }: Store,
  directory: Pick<Directory, 'offers'>,
  name: string,
): Promise<SearchResult[]> {
  const isMiner = await hasMiner(read, name);
  return [
    ...(isMiner ? [result('miner', name, `/v1/miners/${encodeURIComponent(name)}`)] : []),
    ...(directory.offers(name) ? [result('model', name, `/v1/models/${encodeURI(name)}`)] : []),
  ];
}

const result = (kind: SearchKind, id: string, path: string): SearchResult => ({ kind, id, path });

const blockResult = (hash: string) => result('block', hash, `/explorer/blocks/${hash}`);

const transactionResult = ({ hash }: Pick<NamedEntry, 'hash'>) =>
  result('transaction', hash, `/explorer/transactions/${hash}`);
