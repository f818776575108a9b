import {
  Address,
  AddressDetail,
  Block,
  BlockDetail,
  BlockId,
  ExplorerStats,
  LIMITS,
  ListPublicModels,
  ListTransactions,
  NetworkStats,
  PageQuery,
  PublicModel,
  Search,
  SearchResults,
  Transaction,
  TransactionDetail,
  TransactionId,
} from '@aitbc/protocol';
import { Type } from 'typebox';
import type { Guards } from '../http/authentication.ts';
import { IMMUTABLE, MUTABLE } from '../http/caching.ts';
import { linkAfter, linkNext, readPlace } from '../http/pages.ts';
import { type App, answers } from '../http/routes.ts';
import type { LedgerExplorer } from './explorer.ts';

const tags = ['explorer'];

export function explorerRoutes(
  app: App,
  { explorer, guards }: { explorer: LedgerExplorer; guards: Guards },
): void {
  statsRoutes(app, explorer, guards);
  blockRoutes(app, explorer, guards);
  transactionRoutes(app, explorer, guards);

  app.get(
    '/explorer/addresses/:address',
    {
      config: { costly: 'read', shared: true },
      onRequest: guards.public,
      schema: {
        operationId: 'exploreAddress',
        summary: 'Get the balance of an address, and how often the ledger names it',
        tags,
        params: Type.Object({ address: Address('`ait1…`') }),
        response: answers({ 200: AddressDetail }, 400, 401, 404),
      },
    },
    async request => await explorer.address(request.params.address),
  );

  app.get(
    '/explorer/models',
    {
      config: { shared: true },
      onRequest: guards.public,
      schema: {
        operationId: 'exploreModels',
        summary: 'List the models that live miners offer, by name, with price and speed',
        tags,
        querystring: ListPublicModels,
        response: answers({ 200: Type.Array(PublicModel) }, 400, 401),
      },
    },
    async (request, reply) => {
      const { limit = LIMITS.defaultPageSize, cursor } = request.query;
      const page = await explorer.models({ after: cursor, limit });
      linkNext(
        request,
        reply,
        limit,
        page.map(({ model }) => model),
      );
      return page;
    },
  );

  app.get(
    '/explorer/search',
    {
      config: { costly: 'read' },
      onRequest: guards.public,
      schema: {
        operationId: 'exploreSearch',
        summary: 'Search by hash, height, index, id, address or name',
        tags,
        querystring: Search,
        response: answers({ 200: SearchResults }, 400, 401),
      },
    },
    async request => ({ results: await explorer.search(request.query.q) }),
  );
}

function statsRoutes(app: App, explorer: LedgerExplorer, guards: Guards): void {
  app.get(
    '/v1/stats',
    {
      config: { shared: true },
      onRequest: guards.public,
      schema: {
        operationId: 'getStats',
        summary: 'Get network statistics',
        tags: ['network'],
        response: answers({ 200: NetworkStats }, 401),
      },
    },
    async () => await explorer.networkStats(),
  );

  app.get(
    '/explorer/stats',
    {
      config: { shared: true },
      onRequest: guards.public,
      schema: {
        operationId: 'exploreStats',
        summary: 'Get network statistics and series for charts',
        tags,
        response: answers({ 200: ExplorerStats }, 401),
      },
    },
    async () => await explorer.stats(),
  );
}

function blockRoutes(app: App, explorer: LedgerExplorer, guards: Guards): void {
  app.get(
    '/explorer/blocks',
    {
      config: { costly: 'read', shared: true },
      onRequest: guards.public,
      schema: {
        operationId: 'exploreBlocks',
        summary: 'List blocks, newest first',
        tags,
        querystring: PageQuery,
        response: answers({ 200: Type.Array(Block) }, 400, 401),
      },
    },
    async (request, reply) => {
      const { limit = LIMITS.defaultPageSize, cursor } = request.query;
      const { blocks, next } = await explorer.blocks({ limit, before: readPlace(cursor) });
      linkAfter(request, reply, next);
      return blocks;
    },
  );

  app.get(
    '/explorer/blocks/:id',
    {
      config: { costly: 'read' },
      onRequest: guards.public,
      schema: {
        operationId: 'exploreBlock',
        summary: 'Get a block by its height or hash, with its signed checkpoint',
        tags,
        params: Type.Object({ id: BlockId }),
        response: answers({ 200: BlockDetail }, 400, 401, 404),
      },
    },
    async (request, reply) => {
      const block = await explorer.block(request.params.id);
      return reply.header('cache-control', block.isFinal ? IMMUTABLE : MUTABLE).send(block);
    },
  );
}

function transactionRoutes(app: App, explorer: LedgerExplorer, guards: Guards): void {
  app.get(
    '/explorer/transactions',
    {
      config: { costly: 'read', shared: true },
      onRequest: guards.public,
      schema: {
        operationId: 'exploreTransactions',
        summary: 'List transactions, newest first: all, or those of an address, a block or a type',
        tags,
        querystring: ListTransactions,
        response: answers({ 200: Type.Array(Transaction) }, 400, 401, 404),
      },
    },
    async (request, reply) => {
      const { limit = LIMITS.defaultPageSize, cursor, ...of } = request.query;
      const { transactions, next } = await explorer.transactions({ ...of, limit, before: readPlace(cursor) });
      linkAfter(request, reply, next);
      return transactions;
    },
  );

  app.get(
    '/explorer/transactions/:hash',
    {
      config: { shared: true },
      onRequest: guards.public,
      schema: {
        operationId: 'exploreTransaction',
        summary:
          'Get a transaction by its hash or index, with its statement and the proof that it is in the ledger',
        tags,
        params: Type.Object({ hash: TransactionId }),
        response: answers({ 200: TransactionDetail }, 400, 401, 404),
      },
    },
    async request => await explorer.transaction(request.params.hash),
  );
}
