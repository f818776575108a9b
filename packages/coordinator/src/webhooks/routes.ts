import {
  CreatedWebhook,
  LIMITS,
  ListDeliveries,
  ListWebhooks,
  NewWebhook,
  Redelivering,
  RedeliverSince,
  Webhook,
  WebhookChange,
  WebhookDelivery,
  WebhookKey,
  WebhookSecret,
} from '@aitbc/protocol';
import { Type } from 'typebox';
import { type Guards, principalOf } from '../http/authentication.ts';
import { linked } from '../http/pages.ts';
import { type App, answers, IdempotencyHeader, IdParams, keyed, withReplayed } from '../http/routes.ts';
import type { ClientWebhooks } from './client-webhooks.ts';

export interface WebhookRoutes {
  webhooks: ClientWebhooks;
  /** The public key of deliveries, as `whpk_…`. */
  publicKey: string;
  guards: Guards;
}

const tags = ['webhooks'];

/** The caller manages the webhooks of its account. Whose they are otherwise looks like none. */
export function webhookRoutes(app: App, options: WebhookRoutes): void {
  addWebhookRoutes(app, options);
  addSecretRoutes(app, options);
  addDeliveryRoutes(app, options);
}

function addWebhookRoutes(app: App, { webhooks, guards }: WebhookRoutes): void {
  app.post(
    '/v1/webhooks',
    {
      onRequest: guards.client,
      schema: {
        operationId: 'createWebhook',
        summary: 'Register a webhook. Its secret is shown only in this answer',
        tags,
        security: keyed,
        headers: IdempotencyHeader,
        body: NewWebhook,
        response: answers({ 201: CreatedWebhook }, 400, 401, 403, 404, 409),
      },
    },
    async (request, reply) => {
      const key = request.headers['idempotency-key'];
      const made = await webhooks.create(principalOf(request), request.body, key);
      reply.code(201).header('location', `webhooks/${made.answer.id}`);
      return withReplayed(reply, made);
    },
  );

  app.get(
    '/v1/webhooks',
    {
      config: { costly: 'read' },
      onRequest: guards.client,
      schema: {
        operationId: 'listWebhooks',
        summary: 'List your webhooks, newest first',
        tags,
        security: keyed,
        querystring: ListWebhooks,
        response: answers({ 200: Type.Array(Webhook) }, 400, 401, 403),
      },
    },
    async (request, reply) => {
      const { limit = LIMITS.defaultPageSize, cursor: before } = request.query;
      const page = await webhooks.list(principalOf(request), { limit, before });
      return linked(request, reply, page);
    },
  );

  app.get(
    '/v1/webhooks/:id',
    {
      onRequest: guards.client,
      schema: {
        operationId: 'getWebhook',
        summary: 'Get a webhook and how it is doing',
        tags,
        security: keyed,
        params: IdParams,
        response: answers({ 200: Webhook }, 400, 401, 403, 404),
      },
    },
    async request => await webhooks.get(principalOf(request), request.params.id),
  );

  app.patch(
    '/v1/webhooks/:id',
    {
      onRequest: guards.client,
      schema: {
        operationId: 'changeWebhook',
        summary: 'Change, pause or resume a webhook',
        tags,
        security: keyed,
        params: IdParams,
        body: WebhookChange,
        response: answers({ 200: Webhook }, 400, 401, 403, 404),
      },
    },
    async request => await webhooks.change(principalOf(request), request.params.id, request.body),
  );

  app.delete(
    '/v1/webhooks/:id',
    {
      onRequest: guards.client,
      schema: {
        operationId: 'deleteWebhook',
        summary: 'Delete a webhook. Nothing more is delivered to it',
        tags,
        security: keyed,
        params: IdParams,
        response: answers({ 204: Type.Null() }, 400, 401, 403, 404),
      },
    },
    async (request, reply) => {
      await webhooks.remove(principalOf(request), request.params.id);
      return await reply.code(204).send(null);
    },
  );
}

function addSecretRoutes(app: App, { webhooks, publicKey, guards }: WebhookRoutes): void {
  app.get(
    '/v1/webhooks/key',
    {
      onRequest: guards.public,
      schema: {
        operationId: 'getWebhookKey',
        summary: 'Get the public key of all deliveries’ v1a signatures',
        tags,
        response: answers({ 200: WebhookKey }, 400, 401),
      },
    },
    async () => ({ key: publicKey }),
  );

  app.get(
    '/v1/webhooks/secret',
    {
      onRequest: guards.client,
      schema: {
        operationId: 'getWebhookSecret',
        summary: 'Get the secret of your account, which signs deliveries to jobs’ own webhook_url',
        tags,
        security: keyed,
        response: answers({ 200: WebhookSecret }, 400, 401, 403),
      },
    },
    async request => await webhooks.accountSecret(principalOf(request)),
  );

  app.post(
    '/v1/webhooks/secret/rotate',
    {
      onRequest: guards.client,
      schema: {
        operationId: 'rotateAccountSecret',
        summary: 'Give your account a new secret. For a day, deliveries are signed with both',
        tags,
        security: keyed,
        headers: IdempotencyHeader,
        response: answers({ 200: WebhookSecret }, 400, 401, 403, 409),
      },
    },
    async (request, reply) => {
      const key = request.headers['idempotency-key'];
      return withReplayed(reply, await webhooks.rotateAccountSecret(principalOf(request), key));
    },
  );

  app.post(
    '/v1/webhooks/:id/rotate-secret',
    {
      onRequest: guards.client,
      schema: {
        operationId: 'rotateWebhookSecret',
        summary: 'Give a webhook a new secret. For a day, deliveries are signed with both',
        tags,
        security: keyed,
        params: IdParams,
        headers: IdempotencyHeader,
        response: answers({ 200: WebhookSecret }, 400, 401, 403, 404, 409),
      },
    },
    async (request, reply) => {
      const key = request.headers['idempotency-key'];
      const { id } = request.params;
      return withReplayed(reply, await webhooks.rotateSecret(principalOf(request), id, key));
    },
  );
}

const DeliveryParams = Type.Object({
  ...IdParams.properties,
  delivery: Type.String({ minLength: 1, maxLength: 64 }),
});

function addDeliveryRoutes(app: App, { webhooks, guards }: WebhookRoutes): void {
  app.post(
    '/v1/webhooks/:id/test',
    {
      onRequest: guards.client,
      schema: {
        operationId: 'testWebhook',
        summary: 'Send an event webhook.test to a webhook',
        tags,
        security: keyed,
        params: IdParams,
        response: answers({ 202: WebhookDelivery }, 400, 401, 403, 404),
      },
    },
    async (request, reply) =>
      await reply.code(202).send(await webhooks.test(principalOf(request), request.params.id)),
  );

  app.get(
    '/v1/webhooks/:id/deliveries',
    {
      config: { costly: 'read' },
      onRequest: guards.client,
      schema: {
        operationId: 'listDeliveries',
        summary: 'List the deliveries of a webhook and their tries, newest first',
        tags,
        security: keyed,
        params: IdParams,
        querystring: ListDeliveries,
        response: answers({ 200: Type.Array(WebhookDelivery) }, 400, 401, 403, 404),
      },
    },
    async (request, reply) => {
      const { limit = LIMITS.defaultPageSize, cursor: before, state } = request.query;
      const query = { limit, before, ...(state && { state }) };
      const page = await webhooks.deliveries(principalOf(request), request.params.id, query);
      return linked(request, reply, page);
    },
  );

  app.post(
    '/v1/webhooks/:id/deliveries/:delivery/redeliver',
    {
      onRequest: guards.client,
      schema: {
        operationId: 'redeliver',
        summary: 'Send a delivery again, under the same webhook-id',
        tags,
        security: keyed,
        params: DeliveryParams,
        response: answers({ 202: WebhookDelivery }, 400, 401, 403, 404),
      },
    },
    async (request, reply) => {
      const { id, delivery } = request.params;
      return await reply.code(202).send(await webhooks.redeliver(principalOf(request), id, delivery));
    },
  );

  app.post(
    '/v1/webhooks/:id/redeliver',
    {
      onRequest: guards.client,
      schema: {
        operationId: 'redeliverSince',
        summary: 'Send all deliveries since a time again',
        tags,
        security: keyed,
        params: IdParams,
        body: RedeliverSince,
        response: answers({ 202: Redelivering }, 400, 401, 403, 404),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      return await reply
        .code(202)
        .send(await webhooks.redeliverSince(principalOf(request), id, request.body));
    },
  );
}
