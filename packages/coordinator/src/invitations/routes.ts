import {
  ApiKeyWithSecret,
  Invitation,
  InvitationWithToken,
  LIMITS,
  ListInvitations,
  NewInvitation,
  RedeemInvitation,
} from '@aitbc/protocol';
import { Type } from 'typebox';
import { actorOf } from '../http/actor.ts';
import { type Guards, principalOf } from '../http/authentication.ts';
import { PRIVATE } from '../http/headers.ts';
import { linked } from '../http/pages.ts';
import { type App, answers, IdempotencyHeader, IdParams, keyed, withReplayed } from '../http/routes.ts';
import type { InvitationService } from './invitations.ts';

const tags = ['accounts'];

export interface InvitationRoutes {
  invitations: InvitationService;
  guards: Guards;
}

export function invitationRoutes(app: App, { invitations, guards }: InvitationRoutes): void {
  app.post(
    '/v1/invitations',
    {
      onRequest: guards.admin,
      schema: {
        operationId: 'createInvitation',
        summary: 'Invite people to an account and a key of their own, for administrators',
        tags,
        security: keyed,
        headers: IdempotencyHeader,
        body: NewInvitation,
        response: answers({ 201: InvitationWithToken }, 400, 401, 403, 409),
      },
    },
    async (request, reply) => {
      const key = request.headers['idempotency-key'];
      const made = await invitations.create(principalOf(request), actorOf(request), request.body, key);
      reply.code(201).header('location', `invitations/${made.answer.id}`);
      return withReplayed(reply, made);
    },
  );

  app.get(
    '/v1/invitations',
    {
      config: { costly: 'read' },
      onRequest: guards.admin,
      schema: {
        operationId: 'listInvitations',
        summary: 'List invitations, newest first, for administrators',
        tags,
        security: keyed,
        querystring: ListInvitations,
        response: answers({ 200: Type.Array(Invitation) }, 400, 401, 403),
      },
    },
    async (request, reply) => {
      const { limit = LIMITS.defaultPageSize, cursor } = request.query;
      const page = await invitations.list({ limit, before: cursor });
      return linked(request, reply, page);
    },
  );

  app.get(
    '/v1/invitations/:id',
    {
      onRequest: guards.admin,
      schema: {
        operationId: 'getInvitation',
        summary: 'Get an invitation, for administrators',
        tags,
        security: keyed,
        params: IdParams,
        response: answers({ 200: Invitation }, 400, 401, 403, 404),
      },
    },
    async request => await invitations.get(request.params.id),
  );

  app.delete(
    '/v1/invitations/:id',
    {
      onRequest: guards.admin,
      schema: {
        operationId: 'revokeInvitation',
        summary: 'Revoke an invitation; keys that came of it stay, for administrators',
        tags,
        security: keyed,
        params: IdParams,
        response: answers({ 200: Invitation }, 400, 401, 403, 404),
      },
    },
    async request => await invitations.revoke(actorOf(request), request.params.id),
  );

  app.post(
    '/v1/invitations/redeem',
    {
      onRequest: guards.public,
      schema: {
        operationId: 'redeemInvitation',
        summary: 'Join by an invitation: get an account and a key',
        tags,
        body: RedeemInvitation,
        response: answers({ 201: ApiKeyWithSecret }, 400, 401, 404, 410),
      },
    },
    async (request, reply) => {
      reply.code(201).header('cache-control', PRIVATE);
      return await invitations.redeem(request.body, { ip: request.ip, requestId: request.id });
    },
  );
}
