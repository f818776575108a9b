import {
  ConfirmPayout,
  DisputePayout,
  LIMITS,
  ListPayouts,
  NewPayout,
  PublishedPayout,
  TrackedPayout,
  WithdrawPayout,
} from '@aitbc/protocol';
import { Type } from 'typebox';
import { actorOf, anyActorOf } from '../http/actor.ts';
import { type Guards, principalOf } from '../http/authentication.ts';
import { linked } from '../http/pages.ts';
import {
  type App,
  answers,
  emptyWithoutBody,
  IdempotencyHeader,
  IdParams,
  keyed,
  sendProof,
  tlogProof,
} from '../http/routes.ts';
import type { PayoutService } from './payouts.ts';

const tags = ['payouts'];

/** A signature in the body stands for a key. */
const keyedOrSigned = [...keyed, {}];

interface PayoutRoutes {
  payouts: PayoutService;
  guards: Guards;
}

/** Payouts are public, like the whole ledger. Administrators create them, and providers answer them. */
export function payoutRoutes(app: App, { payouts, guards }: PayoutRoutes): void {
  readRoutes(app, { payouts, guards });
  answerRoutes(app, { payouts, guards });

  app.post(
    '/v1/payouts',
    {
      onRequest: guards.admin,
      schema: {
        operationId: 'createPayout',
        summary: 'Record that you paid a provider for credits that it earned, for administrators',
        tags,
        security: keyed,
        headers: IdempotencyHeader,
        body: NewPayout,
        response: answers({ 201: TrackedPayout }, 400, 401, 403, 404, 409),
      },
    },
    async (request, reply) => {
      const key = request.headers['idempotency-key'];
      const made = await payouts.create(principalOf(request), actorOf(request), request.body, key);
      if (made.replayed) reply.header('idempotent-replayed', 'true');
      reply.code(201).header('location', `payouts/${made.payout.payout.payout_id}`);
      return made.payout;
    },
  );

  app.post(
    '/v1/payouts/:id/withdraw',
    {
      onRequest: guards.admin,
      schema: {
        operationId: 'withdrawPayout',
        summary: 'Take back a payout that is not confirmed, so that its credits are owed again',
        tags,
        security: keyed,
        params: IdParams,
        body: WithdrawPayout,
        response: answers({ 200: TrackedPayout }, 400, 401, 403, 404, 409),
      },
    },
    async request => await payouts.withdraw(actorOf(request), request.params.id, request.body.reason),
  );
}

function answerRoutes(app: App, { payouts, guards }: PayoutRoutes): void {
  const description =
    'For the account that was paid, by its API key, or for anyone who has the signature of its key.';

  app.post(
    '/v1/payouts/:id/confirm',
    {
      onRequest: guards.public,
      preValidation: emptyWithoutBody,
      schema: {
        operationId: 'confirmPayout',
        summary: 'Confirm that you were paid',
        description,
        tags,
        security: keyedOrSigned,
        params: IdParams,
        body: ConfirmPayout,
        response: answers({ 200: TrackedPayout }, 400, 401, 403, 404, 409),
      },
    },
    async request => {
      const answer = { ...request.body, status: 'confirmed', reason: null } as const;
      return await payouts.answer(request.principal, anyActorOf(request), request.params.id, answer);
    },
  );

  app.post(
    '/v1/payouts/:id/dispute',
    {
      onRequest: guards.public,
      schema: {
        operationId: 'disputePayout',
        summary: 'Dispute that you were paid, and say why',
        description,
        tags,
        security: keyedOrSigned,
        params: IdParams,
        body: DisputePayout,
        response: answers({ 200: TrackedPayout }, 400, 401, 403, 404, 409),
      },
    },
    async request => {
      const answer = { ...request.body, status: 'disputed' } as const;
      return await payouts.answer(request.principal, anyActorOf(request), request.params.id, answer);
    },
  );
}

function readRoutes(app: App, { payouts, guards }: PayoutRoutes): void {
  app.get(
    '/v1/payouts',
    {
      config: { costly: 'read' },
      onRequest: guards.public,
      schema: {
        operationId: 'listPayouts',
        summary: 'List payouts with what was said about them, newest first',
        tags,
        querystring: ListPayouts,
        response: answers({ 200: Type.Array(TrackedPayout) }, 400, 401),
      },
    },
    async (request, reply) => {
      const { limit = LIMITS.defaultPageSize, cursor, account, status } = request.query;
      const page = await payouts.list({ limit, before: cursor, account, status });
      return linked(request, reply, page);
    },
  );

  app.get(
    '/v1/payouts/:id',
    {
      onRequest: guards.public,
      schema: {
        operationId: 'getPayout',
        summary: 'Get a signed payout, what was said about it, and its place in the ledger',
        tags,
        params: IdParams,
        response: answers({ 200: PublishedPayout }, 400, 401, 404),
      },
    },
    async request => await payouts.get(request.params.id),
  );

  app.get(
    '/v1/payouts/:id/proof',
    {
      onRequest: guards.public,
      schema: {
        operationId: 'getPayoutProof',
        summary:
          'Get a payout, or an update of one by its id, and the proof that it is in the ledger (C2SP tlog-proof)',
        tags,
        params: IdParams,
        response: answers({ 200: tlogProof }, 400, 401, 404),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      return sendProof(reply, id, await payouts.proof(id));
    },
  );
}
