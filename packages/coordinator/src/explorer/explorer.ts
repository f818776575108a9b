import type {
  AddressDetail,
  Block,
  ExplorerStats,
  NetworkStats,
  PublicModel,
  SearchResult,
  Transaction,
  TransactionDetail,
} from '@aitbc/protocol';
import type { PublicLedger } from '../ledger/ledger.ts';
import type { Directory } from '../miners/directory.ts';
import type { ModelDirectory } from '../miners/models.ts';
import type { PriceList } from '../receipts/pricing.ts';
import type { Store } from '../store/store.ts';
import { readAddress } from './addresses.ts';
import { type BlockQuery, type FoundBlock, listBlocks, readBlock } from './blocks.ts';
import { listPublicModels } from './models.ts';
import type { ModelFirstTokens } from './overview/model-first-tokens.ts';
import { searchLedger } from './search.ts';
import { explorerStats, networkStats } from './stats.ts';
import { readTransaction, readTransactions, type TransactionQuery } from './transactions.ts';

/** Public views of the ledger. Methods throw RequestError if what they look for does not exist. */
export interface LedgerExplorer {
  networkStats(): Promise<NetworkStats>;
  /** Returns network statistics with series for charts. */
  stats(): Promise<ExplorerStats>;
  /** Returns blocks, newest first, and the height below which the next page starts. */
  blocks(query: BlockQuery): Promise<{ blocks: Block[]; next: number | undefined }>;
  /** Returns a block by its height or hash. */
  block(id: string): Promise<FoundBlock>;
  /** Returns transactions, newest first, and the index before which the next page starts. */
  transactions(query: TransactionQuery): Promise<{ transactions: Transaction[]; next: number | undefined }>;
  /** Returns a transaction by its hash or index. */
  transaction(id: string): Promise<TransactionDetail>;
  address(address: string): Promise<AddressDetail>;
  search(text: string): Promise<SearchResult[]>;
  /** Returns models that live miners offer, by name. */
  models(query: { after: string | undefined; limit: number }): Promise<PublicModel[]>;
}

export interface ExplorerOptions {
  store: Store;
  ledger: PublicLedger;
  miners: { directory: Pick<Directory, 'offers'>; models: Pick<ModelDirectory, 'list'> };
  prices: PriceList;
  firstTokens: Pick<ModelFirstTokens, 'of'>;
  now: () => number;
}

export function createLedgerExplorer({
  store,
  ledger,
  miners,
  prices,
  firstTokens,
  now,
}: ExplorerOptions): LedgerExplorer {
  return {
    networkStats: () => networkStats(store, ledger),
    stats: () => explorerStats(store, ledger, now()),
    blocks: query => listBlocks(store, query),
    block: id => readBlock(store, id),
    transactions: query => readTransactions(store, query),
    transaction: hash => readTransaction(store, ledger, hash),
    address: address => readAddress(store, address),
    models: query => listPublicModels(miners.models, prices, firstTokens, query),
    search: text => searchLedger(store, miners.directory, text),
  };
}
