import type {
  AddressDetail,
  Block,
  BlockDetail,
  ExplorerStats,
  ListReceipts,
  ListTransactions,
  Page as PageQuery,
  Receipt,
  SearchResult,
  SearchResults,
  Transaction,
  TransactionDetail,
} from '@aitbc/protocol';
import type { RequestOptions } from './options.ts';
import { type Paged, paged } from './pages.ts';
import { type Call, id, type Query, type Transport } from './transport.ts';

/** What the coordinator shows to everyone. Needs no key. */
export interface Explorer {
  /** Newest first. */
  blocks(query?: PageQuery, options?: RequestOptions): Paged<Block>;
  /**
   * @param block height, or hash in hex
   * @throws {CoordinatorError} BLOCK_NOT_FOUND
   */
  block(block: number | string, options?: RequestOptions): Promise<BlockDetail>;
  /** Newest first: all, or those of an address or a block. */
  transactions(query?: ListTransactions, options?: RequestOptions): Paged<Transaction>;
  /** @throws {CoordinatorError} TRANSACTION_NOT_FOUND */
  transaction(hash: string, options?: RequestOptions): Promise<TransactionDetail>;
  receipts(query?: ListReceipts, options?: RequestOptions): Paged<Receipt>;
  /** What the ledger says of an address: zeros of one that it does not name. */
  address(address: string, options?: RequestOptions): Promise<AddressDetail>;
  /** What goes by a hash, a height, an index, an id or an address: nothing, or a few things of different kinds. */
  search(text: string, options?: RequestOptions): Promise<SearchResult[]>;
  /** The counts of `stats()`, with series for charts. */
  stats(options?: RequestOptions): Promise<ExplorerStats>;
}

export function explorer(transport: Transport): Explorer {
  const list = <Item>(path: string, query: Query = {}, options: RequestOptions = {}) =>
    paged<Item>(transport, path, { ...query }, options);
  const get = async <T>(call: Call, options?: RequestOptions) => (await transport<T>(call, options)).body;
  return {
    blocks: (query, options) => list<Block>('/explorer/blocks', query, options),
    // From a browser's cache, too: the coordinator says which ones stay as they are.
    block: (block, options) => get({ path: `/explorer/blocks/${id(String(block))}` }, options),
    transactions: (query, options) => list<Transaction>('/explorer/transactions', query, options),
    transaction: (hash, options) => get({ path: `/explorer/transactions/${id(hash)}`, fresh: true }, options),
    receipts: (query, options) => list<Receipt>('/explorer/receipts', query, options),
    address: (address, options) => get({ path: `/explorer/addresses/${id(address)}`, fresh: true }, options),
    search: async (q, options) =>
      (await get<SearchResults>({ path: '/explorer/search', query: { q }, fresh: true }, options)).results,
    stats: options => get({ path: '/explorer/stats', fresh: true }, options),
  };
}
