import {
  ApiKey,
  ApiKeyChange,
  ApiKeyWithSecret,
  LIMITS,
  ListApiKeys,
  NewApiKey,
  RotateApiKey,
} from '@aitbc/protocol';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { actorOf } from '../http/actor.ts';
import { type Guards, principalOf } from '../http/authentication.ts';
import { linked } from '../http/pages.ts';
import { type App, answers, IdempotencyHeader, IdParams, keyed, withReplayed } from '../http/routes.ts';
import type { ApiKeyService } from './api-keys.ts';

const tags = ['accounts'];

const callerOf = (request: FastifyRequest) => ({
  principal: principalOf(request),
  actor: actorOf(request),
});

/** API keys. Those of receipts are public and at `/v1/keys`. */
export function apiKeyRoutes(
  app: App,
  { apiKeys, guards }: { apiKeys: ApiKeyService; guards: Guards },
): void {
  app.post(
    '/v1/api-keys',
    {
      onRequest: guards.keys,
      schema: {
        operationId: 'createApiKey',
        summary: 'Create an API key, with no more rights than your own',
        tags,
        security: keyed,
        headers: IdempotencyHeader,
        body: NewApiKey,
        response: answers({ 201: ApiKeyWithSecret }, 400, 401, 403, 409),
      },
    },
    async (request, reply) => {
      const made = await apiKeys.create(callerOf(request), request.body, request.headers['idempotency-key']);
      reply.code(201).header('location', `api-keys/${made.answer.id}`);
      return withReplayed(reply, made);
    },
  );

  app.get(
    '/v1/api-keys',
    {
      config: { costly: 'read' },
      onRequest: guards.keys,
      schema: {
        operationId: 'listApiKeys',
        summary: 'List the API keys of your account, newest first, or of all accounts for administrators',
        tags,
        security: keyed,
        querystring: ListApiKeys,
        response: answers({ 200: Type.Array(ApiKey) }, 400, 401, 403),
      },
    },
    async (request, reply) => {
      const { limit = LIMITS.defaultPageSize, cursor, account } = request.query;
      const query = { limit, before: cursor, ...(account !== undefined && { account }) };
      const page = await apiKeys.list(callerOf(request), query);
      return linked(request, reply, page);
    },
  );

  app.get(
    '/v1/api-keys/current',
    {
      onRequest: guards.account,
      schema: {
        operationId: 'getCurrentApiKey',
        summary: 'Get the API key that you use, with what is left of its budget',
        tags,
        security: keyed,
        response: answers({ 200: ApiKey }, 401, 404),
      },
    },
    async request => await apiKeys.current(principalOf(request)),
  );

  app.get(
    '/v1/api-keys/:id',
    {
      onRequest: guards.keys,
      schema: {
        operationId: 'getApiKey',
        summary: 'Get an API key',
        tags,
        security: keyed,
        params: IdParams,
        response: answers({ 200: ApiKey }, 400, 401, 403, 404),
      },
    },
    async request => await apiKeys.get(callerOf(request), request.params.id),
  );

  app.patch(
    '/v1/api-keys/:id',
    {
      onRequest: guards.keys,
      schema: {
        operationId: 'changeApiKey',
        summary: 'Change what an API key may do',
        description: 'A key that is in use follows the change within seconds.',
        tags,
        security: keyed,
        params: IdParams,
        body: ApiKeyChange,
        response: answers({ 200: ApiKey }, 400, 401, 403, 404),
      },
    },
    async request => await apiKeys.change(callerOf(request), request.params.id, request.body),
  );

  app.post(
    '/v1/api-keys/:id/rotate',
    {
      onRequest: guards.keys,
      schema: {
        operationId: 'rotateApiKey',
        summary: 'Give an API key a new secret; the old one stays valid for as long as you say',
        tags,
        security: keyed,
        params: IdParams,
        headers: IdempotencyHeader,
        body: RotateApiKey,
        response: answers({ 200: ApiKeyWithSecret }, 400, 401, 403, 404, 409),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const key = request.headers['idempotency-key'];
      return withReplayed(reply, await apiKeys.rotate(callerOf(request), id, request.body, key));
    },
  );

  app.delete(
    '/v1/api-keys/:id',
    {
      onRequest: guards.keys,
      schema: {
        operationId: 'revokeApiKey',
        summary: 'Revoke an API key, within seconds',
        tags,
        security: keyed,
        params: IdParams,
        response: answers({ 200: ApiKey }, 400, 401, 403, 404),
      },
    },
    async request => await apiKeys.revoke(callerOf(request), request.params.id),
  );
}
