import type { Block, NetworkStats, Receipt, Transaction } from '@aitbc/protocol';
import type { RequestOptions } from './options.ts';
import { type Paged, paged } from './pages.ts';
import type { Transport } from './transport.ts';

export interface ExplorerQuery {
  limit?: number;
  cursor?: string;
}

/** What the coordinator shows to everyone. Needs no key. */
export interface Explorer {
  blocks(query?: ExplorerQuery, options?: RequestOptions): Paged<Block>;
  transactions(query?: ExplorerQuery, options?: RequestOptions): Paged<Transaction>;
  receipts(query?: ExplorerQuery, options?: RequestOptions): Paged<Receipt>;
  stats(options?: RequestOptions): Promise<NetworkStats>;
}

export function explorer(transport: Transport): Explorer {
  const list =
    <Item>(path: string) =>
    (query: ExplorerQuery = {}, options: RequestOptions = {}) =>
      paged<Item>(transport, path, { ...query }, options);
  return {
    blocks: list<Block>('/explorer/blocks'),
    transactions: list<Transaction>('/explorer/transactions'),
    receipts: list<Receipt>('/explorer/receipts'),
    stats: async options => (await transport<NetworkStats>({ path: '/explorer/stats' }, options)).body,
  };
}
