import type {
  AddressDetail,
  Block,
  ExplorerStats,
  NetworkStats,
  SearchResult,
  Transaction,
  TransactionDetail,
} from '@aitbc/protocol';
import type { Ledger } from '../ledger/ledger.ts';
import type { Store } from '../store/store.ts';
import { readAddress } from './addresses.ts';
import { type BlockQuery, type FoundBlock, findBlock, listBlocks } from './blocks.ts';
import { search } from './search.ts';
import { explorerStats, networkStats } from './stats.ts';
import { findTransaction, pageOfTransactions, type TransactionQuery } from './transactions.ts';

/** The ledger as everyone may look at it. Each throws RequestError for what there is not. */
export interface Explorer {
  networkStats(): Promise<NetworkStats>;
  /** With series for charts. */
  stats(): Promise<ExplorerStats>;
  /** Newest first, and the height below which the next page starts. */
  blocks(query: BlockQuery): Promise<{ blocks: Block[]; next: number | undefined }>;
  /** By height, or by hash. */
  block(id: string): Promise<FoundBlock>;
  /** Newest first, and the place behind which the next page starts. */
  transactions(query: TransactionQuery): Promise<{ transactions: Transaction[]; next: number | undefined }>;
  transaction(hash: string): Promise<TransactionDetail>;
  address(address: string): Promise<AddressDetail>;
  search(text: string): Promise<SearchResult[]>;
}

export interface ExplorerOptions {
  store: Store;
  ledger: Ledger;
  now: () => number;
}

export function createExplorer({ store, ledger, now }: ExplorerOptions): Explorer {
  return {
    networkStats: () => networkStats(store, ledger),
    stats: () => explorerStats(store, ledger, now()),
    blocks: query => listBlocks(store, query),
    block: id => findBlock(store, id),
    transactions: query => pageOfTransactions(store, query),
    transaction: hash => findTransaction(store, ledger, hash),
    address: address => readAddress(store, address),
    search: text => search(store, text),
  };
}
