import { Batch, BatchPage, CreateBatch, Traceparent } from '@aitbc/protocol';
import { Type } from 'typebox';
import { createFieldReader, describeFields } from '../gateway/fields.ts';
import { IdempotencyHeaders, idempotencyKeyOf } from '../gateway/idempotency.ts';
import { ListQuery, readPage } from '../gateway/page-query.ts';
import { openAiResponses } from '../gateway/responses.ts';
import { type Guards, principalOf } from '../http/authentication.ts';
import { type App, IdParams, keyed } from '../http/routes.ts';
import { traceparentOf } from '../http/trace-requests.ts';
import type { ClientBatches } from './client-batches.ts';

export interface BatchRoutes {
  batches: ClientBatches;
  guards: Guards;
}

const tags = ['openai'];

const readBatch = createFieldReader(CreateBatch, Object.keys(CreateBatch.properties));

/** Adds the batch routes. They must be in the gateway's scope. */
export function batchRoutes(app: App, { batches, guards }: BatchRoutes): void {
  app.post(
    '/v1/batches',
    {
      onRequest: guards.client,
      schema: {
        operationId: 'createBatch',
        summary: 'Create a batch that answers all requests of a file',
        tags,
        security: keyed,
        headers: Type.Object({ ...IdempotencyHeaders.properties, traceparent: Type.Optional(Traceparent) }),
        body: describeFields(CreateBatch),
        response: openAiResponses({ 200: Batch }, 400, 401, 403, 404, 409, 413, 503),
      },
    },
    async request =>
      await batches.create(principalOf(request), readBatch(request.body), {
        idempotencyKey: idempotencyKeyOf(request),
        traceparent: traceparentOf(request),
      }),
  );

  app.get(
    '/v1/batches',
    {
      config: { costly: 'read' },
      onRequest: guards.client,
      schema: {
        operationId: 'listBatches',
        summary: 'List your batches, newest first',
        tags,
        security: keyed,
        querystring: ListQuery,
        response: openAiResponses({ 200: BatchPage }, 400, 401, 403),
      },
    },
    async request => await batches.list(principalOf(request), readPage(request.query)),
  );

  app.get(
    '/v1/batches/:id',
    {
      onRequest: guards.client,
      schema: {
        operationId: 'getBatch',
        summary: 'Get a batch and its progress',
        tags,
        security: keyed,
        params: IdParams,
        response: openAiResponses({ 200: Batch }, 400, 401, 403, 404),
      },
    },
    async request => await batches.get(principalOf(request), request.params.id),
  );

  app.post(
    '/v1/batches/:id/cancel',
    {
      onRequest: guards.client,
      schema: {
        operationId: 'cancelBatch',
        summary: 'Cancel a batch. Existing answers are kept and written',
        tags,
        security: keyed,
        params: IdParams,
        response: openAiResponses({ 200: Batch }, 400, 401, 403, 404, 409),
      },
    },
    async request => await batches.cancel(principalOf(request), request.params.id),
  );
}
