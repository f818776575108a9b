import {
  ChatCompletion,
  ChatCompletionRequest,
  Completion,
  CompletionRequest,
  EmbeddingRequest,
  Embeddings,
  OfferedModel,
  OfferedModels,
  Traceparent,
} from '@aitbc/protocol';
import type { FastifyError, FastifyRequest } from 'fastify';
import { type TObject, type TSchema, Type } from 'typebox';
import { type Guards, principalOf } from '../http/authentication.ts';
import { signalOf } from '../http/connection.ts';
import { type App, keyed, sendJson } from '../http/routes.ts';
import { COMMENT, type ServerSentEvent, sendEvents, waitForFirst } from '../http/server-sent-events.ts';
import { traceparentOf } from '../http/trace-requests.ts';
import { headersOf, watchStream } from './answer-headers.ts';
import { ENDPOINTS, type EndpointPath } from './endpoint-paths.ts';
import { toOpenAiError } from './error-handler.ts';
import { describeFields } from './fields.ts';
import type { Gateway, GatewayRequest } from './gateway.ts';
import { IdempotencyHeaders, idempotencyKeyOf } from './idempotency.ts';
import { openAiResponses } from './responses.ts';

export interface GatewayRoutes {
  gateway: Gateway;
  guards: Guards;
  /** The time between comments in a stream while nothing else is sent. */
  heartbeatMs: number;
  /** The size limit of request bodies, which may contain images, in bytes. */
  bodyLimit: number;
}

const tags = ['openai'];

/** Adds the routes of OpenAI's API. The scope must use OpenAI's error format. */
export function gatewayRoutes(app: App, routes: GatewayRoutes): void {
  const { gateway, guards } = routes;
  answerRoute(app, routes, {
    path: '/v1/chat/completions',
    operationId: 'createChatCompletion',
    summary: 'Answer a conversation, as OpenAI’s API does',
    body: ChatCompletionRequest,
    answer: ChatCompletion,
  });
  answerRoute(app, routes, {
    path: '/v1/completions',
    operationId: 'createCompletion',
    summary: 'Answer a prompt, as OpenAI’s API does',
    body: CompletionRequest,
    answer: Completion,
  });
  answerRoute(app, routes, {
    path: '/v1/embeddings',
    operationId: 'createEmbeddings',
    summary: 'Embed texts, as OpenAI’s API does',
    body: EmbeddingRequest,
    answer: Embeddings,
  });

  app.get(
    '/v1/models',
    {
      config: { costly: 'read' },
      onRequest: guards.client,
      schema: {
        operationId: 'listModels',
        summary: 'The models that live miners offer, by name',
        tags,
        security: keyed,
        response: openAiResponses({ 200: OfferedModels }, 401, 403),
      },
    },
    async request => ({ object: 'list' as const, data: await gateway.models(principalOf(request)) }),
  );

  app.get(
    // A wildcard, because a model's name may contain slashes.
    '/v1/models/*',
    {
      onRequest: guards.client,
      schema: {
        operationId: 'getModel',
        summary: 'A model that live miners offer',
        tags,
        security: keyed,
        params: Type.Object({ '*': Type.String({ description: 'The name of the model.' }) }),
        response: openAiResponses({ 200: OfferedModel }, 400, 401, 403, 404),
      },
    },
    async request => await gateway.model(principalOf(request), request.params['*']),
  );
}

/** An endpoint answers with one JSON body, or with events if the request has `stream: true`. */
const answerSchema = (answer: TSchema, body: TSchema) =>
  ({
    description: 'The answer',
    content: {
      'application/json': { schema: answer },
      ...('stream' in (body as TObject).properties && { 'text/event-stream': { schema: EVENTS } }),
    },
  }) as unknown as TSchema;

const EVENTS = Type.Unknown({
  description: 'Events whose data are pieces of the answer. The last event is `[DONE]`.',
});

interface AnswerRoute {
  path: EndpointPath;
  operationId: string;
  summary: string;
  body: TSchema;
  answer: TSchema;
}

function answerRoute(
  app: App,
  { gateway, guards, heartbeatMs, bodyLimit }: GatewayRoutes,
  { path, operationId, summary, body, answer }: AnswerRoute,
): void {
  const endpoint = ENDPOINTS[path];
  app.post(
    path,
    {
      config: { beginsTrace: true },
      onRequest: guards.client,
      bodyLimit,
      schema: {
        operationId,
        summary,
        tags,
        security: keyed,
        headers: Type.Object({ ...IdempotencyHeaders.properties, traceparent: Type.Optional(Traceparent) }),
        body: describeFields(body),
        response: openAiResponses(
          { 200: answerSchema(answer, body) },
          400,
          401,
          402,
          403,
          404,
          409,
          413,
          429,
          502,
          503,
          504,
        ),
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const parsed = endpoint.read(request.body);
      const idempotencyKey = idempotencyKeyOf(request);
      const elapsedMs = () => performance.now() - request.arrivedAt;
      const watch = watchStream(elapsedMs);
      const wanted: GatewayRequest = {
        ...{ endpoint, parsed, idempotencyKey, signal: signalOf(reply) },
        traceparent: traceparentOf(request),
        onRunning: watch.running,
      };
      const started = await gateway.submit(principal, wanted);
      reply.header('aitbc-job-id', started.map(({ job_id }) => job_id).join(', '));
      if (!parsed.stream) {
        const { jobs, body } = await gateway.answer(principal, started, wanted);
        const receipts = jobs.flatMap(({ receipt_id }) => receipt_id ?? []);
        if (receipts.length > 0) reply.header('aitbc-receipt-id', receipts.join(', '));
        return sendJson(reply.headers(headersOf(jobs, elapsedMs())), JSON.stringify(body));
      }
      const pieces = await gateway.pieces(principal, started, wanted);
      // A failure before the first text sets the status. After a long wait the stream starts with headers and comments
      // instead.
      const events = eventsOf(await waitForFirst(pieces, heartbeatMs), request);
      return sendEvents(reply.headers(watch.headers()), events, { heartbeatMs, opening: COMMENT });
    },
  );
}

/** A stream that fails ends with an error event instead of `[DONE]`. */
async function* eventsOf(
  pieces: AsyncIterable<object>,
  request: FastifyRequest,
): AsyncGenerator<ServerSentEvent> {
  try {
    for await (const piece of pieces) yield { data: JSON.stringify(piece) };
    yield { data: '[DONE]' };
  } catch (error) {
    yield { data: JSON.stringify(toOpenAiError(error as FastifyError, request).body) };
  }
}
