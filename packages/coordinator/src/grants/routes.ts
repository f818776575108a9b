import { Grant, LIMITS, ListGrants, NewGrant, PublishedGrant } from '@aitbc/protocol';
import { Type } from 'typebox';
import { actorOf } from '../http/actor.ts';
import { type Guards, principalOf } from '../http/authentication.ts';
import { linked, readPlace } from '../http/pages.ts';
import {
  type App,
  answers,
  IdempotencyHeader,
  IdParams,
  keyed,
  sendJson,
  sendProof,
  tlogProof,
} from '../http/routes.ts';
import type { GrantService } from './grants.ts';

const tags = ['grants'];

/** Grants are public, like the whole ledger. Only administrators create them. */
export function grantRoutes(app: App, { grants, guards }: { grants: GrantService; guards: Guards }): void {
  app.post(
    '/v1/grants',
    {
      onRequest: guards.admin,
      schema: {
        operationId: 'grantCredits',
        summary: 'Grant credits to an address, for administrators',
        tags,
        security: keyed,
        headers: IdempotencyHeader,
        body: NewGrant,
        response: answers({ 201: Grant }, 400, 401, 403, 409),
      },
    },
    async (request, reply) => {
      const key = request.headers['idempotency-key'];
      const { grant, replayed } = await grants.grant(
        principalOf(request),
        actorOf(request),
        request.body,
        key,
      );
      if (replayed) reply.header('idempotent-replayed', 'true');
      const { grant_id }: Grant = JSON.parse(grant);
      return sendJson(reply.code(201).header('location', `grants/${grant_id}`), grant);
    },
  );

  app.get(
    '/v1/grants',
    {
      config: { costly: 'read' },
      onRequest: guards.public,
      schema: {
        operationId: 'listGrants',
        summary: 'List grants, newest first',
        tags,
        querystring: ListGrants,
        response: answers({ 200: Type.Array(Grant) }, 400, 401),
      },
    },
    async (request, reply) => {
      const { limit = LIMITS.defaultPageSize, cursor } = request.query;
      const page = await grants.list({ limit, before: readPlace(cursor) });
      return linked(request, reply, page);
    },
  );

  app.get(
    '/v1/grants/:id',
    {
      onRequest: guards.public,
      schema: {
        operationId: 'getGrant',
        summary: 'Get a signed grant and its place in the ledger',
        tags,
        params: IdParams,
        response: answers({ 200: PublishedGrant }, 400, 401, 404),
      },
    },
    async request => await grants.get(request.params.id),
  );

  app.get(
    '/v1/grants/:id/proof',
    {
      onRequest: guards.public,
      schema: {
        operationId: 'getGrantProof',
        summary: 'Get a grant and the proof that it is in the ledger, to verify offline (C2SP tlog-proof)',
        tags,
        params: IdParams,
        response: answers({ 200: tlogProof }, 400, 401, 404),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      return sendProof(reply, id, await grants.proof(id));
    },
  );
}
