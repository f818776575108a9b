import { Block, NetworkStats, Page, Transaction } from '@aitbc/protocol';
import { Type } from 'typebox';
import type { Guards } from '../http/authentication.ts';
import { type App, answers } from '../http/routes.ts';
import type { Store } from '../store/store.ts';
import { networkStats } from './stats.ts';

export function explorerRoutes(app: App, { store, guards }: { store: Store; guards: Guards }): void {
  for (const [url, operationId, tag] of [
    ['/v1/stats', 'getStats', 'network'],
    ['/explorer/stats', 'exploreStats', 'explorer'],
  ] as const) {
    app.get(
      url,
      {
        onRequest: guards.public,
        schema: {
          operationId,
          summary: 'Network statistics',
          tags: [tag],
          response: answers({ 200: NetworkStats }, 401),
        },
      },
      async () => await networkStats(store),
    );
  }

  // Empty until the ledger is published: there is no block without a checkpoint.
  app.get(
    '/explorer/blocks',
    {
      onRequest: guards.public,
      schema: {
        operationId: 'exploreBlocks',
        summary: 'Blocks, newest first',
        tags: ['explorer'],
        querystring: Page,
        response: answers({ 200: Type.Array(Block) }, 400, 401),
      },
    },
    async () => [],
  );

  app.get(
    '/explorer/transactions',
    {
      onRequest: guards.public,
      schema: {
        operationId: 'exploreTransactions',
        summary: 'Transactions, newest first',
        tags: ['explorer'],
        querystring: Page,
        response: answers({ 200: Type.Array(Transaction) }, 400, 401),
      },
    },
    async () => [],
  );
}
