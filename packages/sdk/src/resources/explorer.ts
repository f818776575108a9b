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
import type { RequestOptions } from '../options.ts';
import type { Paged } from '../pages.ts';
import { Resource } from '../requests.ts';
import { id } from '../transport.ts';

/** What the coordinator shows to everyone. Needs no key. */
export class Explorer extends Resource {
  /** Newest first. */
  blocks(query: PageQuery = {}, options?: RequestOptions): Paged<Block> {
    return this.requests.list('/explorer/blocks', query, options);
  }

  /**
   * @param block height, or hash in hex
   * @throws {NotFoundError} BLOCK_NOT_FOUND
   */
  block(block: number | string, options?: RequestOptions): Promise<BlockDetail> {
    // A browser may cache it: the coordinator says which ones stay as they are.
    return this.requests.send({ path: `/explorer/blocks/${id(String(block))}` }, options);
  }

  /** Newest first: all, or those of an address or a block. */
  transactions(query: ListTransactions = {}, options?: RequestOptions): Paged<Transaction> {
    return this.requests.list('/explorer/transactions', query, options);
  }

  /** @throws {NotFoundError} TRANSACTION_NOT_FOUND */
  transaction(hash: string, options?: RequestOptions): Promise<TransactionDetail> {
    return this.requests.get(`/explorer/transactions/${id(hash)}`, options);
  }

  /** Newest first, everybody's. */
  receipts(query: ListReceipts = {}, options?: RequestOptions): Paged<Receipt> {
    return this.requests.list('/explorer/receipts', query, options);
  }

  /** What the ledger says of an address: zeros of one that it does not name. */
  address(address: string, options?: RequestOptions): Promise<AddressDetail> {
    return this.requests.get(`/explorer/addresses/${id(address)}`, options);
  }

  /** What goes by a hash, a height, an index, an id or an address: nothing, or a few things of different kinds. */
  async search(text: string, options?: RequestOptions): Promise<SearchResult[]> {
    const call = { path: '/explorer/search', query: { q: text }, fresh: true };
    return (await this.requests.send<SearchResults>(call, options)).results;
  }

  /** The counts of the client's `stats()`, with series for charts. */
  stats(options?: RequestOptions): Promise<ExplorerStats> {
    return this.requests.get('/explorer/stats', options);
  }
}
