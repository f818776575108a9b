import type {
  AddressDay,
  AddressDetail,
  Block,
  BlockDetail,
  ExplorerStats,
  ListPublicModels,
  ListReceipts,
  ListTransactions,
  LiveEvent,
  MinerDay,
  Overview,
  PageQuery,
  PublicModel,
  Receipt,
  SearchResult,
  SearchResults,
  Transaction,
  TransactionDetail,
} from '@aitbc/protocol';
import { followOverview, type LiveOptions } from '../live.ts';
import type { RequestOptions } from '../options.ts';
import type { Paged } from '../pages.ts';
import { Resource } from '../requests.ts';
import { id } from '../transport.ts';

/** Public information. No API key is needed. */
export class Explorer extends Resource {
  /** Lists blocks, newest first. */
  blocks(query: PageQuery = {}, options?: RequestOptions): Paged<Block> {
    return this.requests.list('/explorer/blocks', query, options);
  }

  /**
   * @param block height, or hash in hex
   * @throws {NotFoundError} BLOCK_NOT_FOUND
   */
  block(block: number | string, options?: RequestOptions): Promise<BlockDetail> {
    // Browsers may cache this, because the coordinator marks the blocks that never change.
    return this.requests.send({ path: `/explorer/blocks/${id(String(block))}` }, options);
  }

  /** Lists transactions, newest first: all, or those of an address, a block or a type. */
  transactions(query: ListTransactions = {}, options?: RequestOptions): Paged<Transaction> {
    return this.requests.list('/explorer/transactions', query, options);
  }

  /**
   * @param hash in hex, or the index of the transaction in the ledger
   * @throws {NotFoundError} TRANSACTION_NOT_FOUND
   */
  transaction(hash: string, options?: RequestOptions): Promise<TransactionDetail> {
    return this.requests.get(`/explorer/transactions/${id(hash)}`, options);
  }

  /** Lists receipts, newest first: all, or those of a client, a provider, a miner or a model. */
  receipts(query: ListReceipts = {}, options?: RequestOptions): Paged<Receipt> {
    return this.requests.list('/explorer/receipts', query, options);
  }

  /** Returns what the ledger records about an address; zeros when it does not name the address. */
  address(address: string, options?: RequestOptions): Promise<AddressDetail> {
    return this.requests.get(`/explorer/addresses/${id(address)}`, options);
  }

  /**
   * Returns what an address earned and paid by day, with its balance, oldest first: the last 366 days on which the ledger
   * names it.
   */
  addressDays(address: string, options?: RequestOptions): Promise<AddressDay[]> {
    return this.requests.get(`/explorer/addresses/${id(address)}/days`, options);
  }

  /** Returns how much of each of the last 90 days a miner was there, and what it earned, oldest first. */
  minerDays(minerId: string, options?: RequestOptions): Promise<MinerDay[]> {
    return this.requests.get(`/explorer/miners/${id(minerId)}/days`, options);
  }

  /**
   * Returns what a hash, a height, an index, an id or an address identifies: nothing, or a few objects of
   * different kinds.
   */
  async search(text: string, options?: RequestOptions): Promise<SearchResult[]> {
    const call = { path: '/explorer/search', query: { q: text }, fresh: true };
    return (await this.requests.send<SearchResults>(call, options)).results;
  }

  /** Returns the counts of `client.stats()`, with series for charts. */
  stats(options?: RequestOptions): Promise<ExplorerStats> {
    return this.requests.get('/explorer/stats', options);
  }

  /** Lists the models that live miners offer, by name, with price and speed. */
  models(query: ListPublicModels = {}, options?: RequestOptions): Paged<PublicModel> {
    return this.requests.list('/explorer/models', query, options);
  }

  /** Returns rates, queues, miners and the newest entries at a glance. */
  overview(options?: RequestOptions): Promise<Overview> {
    // Browsers revalidate this by its tag.
    return this.requests.send({ path: '/explorer/overview' }, options);
  }

  /**
   * Yields the overview, and again whenever it changes. A connection that breaks is opened again, until the signal
   * aborts.
   */
  live(options: LiveOptions = {}): AsyncGenerator<Overview, void> {
    const open = () => this.requests.openEvents<LiveEvent>('/explorer/live', undefined, options);
    return followOverview(open, this.requests.settings, options);
  }
}
