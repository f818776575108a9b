import { LIMITS, ListReceipts, PublicKeys, PublishedReceipt, Receipt } from '@aitbc/protocol';
import { Type } from 'typebox';
import type { Guards } from '../http/authentication.ts';
import { linkAfter, readPlace } from '../http/pages.ts';
import { type App, answers, IdParams, sendProof, tlogProof } from '../http/routes.ts';
import type { ReceiptService } from './receipts.ts';

const tags = ['receipts'];

/** Receipts are public: they have hashes of texts, not the texts. */
export function receiptRoutes(
  app: App,
  { receipts, guards }: { receipts: ReceiptService; guards: Guards },
): void {
  app.get(
    '/v1/receipts/:id',
    {
      config: { shared: true },
      onRequest: guards.public,
      schema: {
        operationId: 'getReceipt',
        summary: 'Get a signed receipt and its place in the ledger',
        tags,
        params: IdParams,
        response: answers({ 200: PublishedReceipt }, 400, 401, 404),
      },
    },
    async request => await receipts.get(request.params.id),
  );

  app.get(
    '/v1/receipts/:id/proof',
    {
      onRequest: guards.public,
      schema: {
        operationId: 'getReceiptProof',
        summary: 'Get a receipt and the proof that it is in the ledger, to verify offline (C2SP tlog-proof)',
        tags,
        params: IdParams,
        response: answers({ 200: tlogProof }, 400, 401, 404),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      return sendProof(reply, id, await receipts.proof(id));
    },
  );

  for (const [url, operationId] of [
    ['/v1/receipts', 'listReceipts'],
    ['/explorer/receipts', 'exploreReceipts'],
  ] as const) {
    app.get(
      url,
      {
        config: { costly: 'read', shared: true },
        onRequest: guards.public,
        schema: {
          operationId,
          summary: 'List receipts, newest first',
          tags: url.startsWith('/explorer') ? ['explorer'] : tags,
          querystring: ListReceipts,
          response: answers({ 200: Type.Array(Receipt) }, 400, 401),
        },
      },
      async (request, reply) => {
        const { limit = LIMITS.defaultPageSize, cursor, ...parties } = request.query;
        const page = await receipts.list({ ...parties, limit, before: readPlace(cursor) });
        linkAfter(request, reply, page.next);
        return page.receipts;
      },
    );
  }

  app.get(
    '/v1/keys',
    {
      onRequest: guards.public,
      schema: {
        operationId: 'listKeys',
        summary: 'List the public keys that sign or signed receipts',
        tags,
        response: answers({ 200: PublicKeys }, 401),
      },
    },
    async () => await receipts.keys(),
  );
}
