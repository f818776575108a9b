import {
  AppealVerification,
  ClaimVerification,
  DisclosedScores,
  Draw,
  FailVerification,
  LIMITS,
  ListDraws,
  ListEvidence,
  ListVerifications,
  MinerEvidence,
  PublishedVerification,
  VerificationOutcome,
  VerificationScores,
  VerificationStatement,
  VerificationTask,
} from '@aitbc/protocol';
import { Type } from 'typebox';
import { type Guards, principalOf } from '../http/authentication.ts';
import { signalOf } from '../http/connection.ts';
import { linkAfter, readPlace } from '../http/pages.ts';
import {
  type App,
  answers,
  emptyWithoutBody,
  IdParams,
  keyed,
  sendProof,
  tlogProof,
} from '../http/routes.ts';
import type { VerificationService } from './service.ts';

const tags = ['verifications'];

/** The scores of the longest answer, with all digits of their numbers. */
const SCORES_BYTES = 4_000_000;

interface VerificationRoutes {
  verifications: VerificationService;
  guards: Guards;
}

export function verificationRoutes(app: App, options: VerificationRoutes): void {
  verifierRoutes(app, options);
  ownerRoutes(app, options);
  publicRoutes(app, options);
}

function verifierRoutes(app: App, { verifications, guards }: VerificationRoutes): void {
  const onRequest = guards.verifier;

  app.post(
    '/v1/verifications/claim',
    {
      onRequest,
      schema: {
        operationId: 'claimVerification',
        summary: 'Get an answer to read, or 204 if none comes in time',
        description:
          'Keys with the scope verifier are the operator’s own verifiers. Those with the scope miner only get answers whose client consented, and none of their owner’s miners.',
        tags,
        security: keyed,
        body: ClaimVerification,
        response: answers(
          { 200: VerificationTask, 204: Type.Null({ description: 'There is none' }) },
          ...([400, 401, 403] as const),
        ),
      },
    },
    async (request, reply) => {
      const task = await verifications.claim(principalOf(request), request.body, signalOf(reply));
      return task ?? reply.code(204).send(null);
    },
  );

  app.post(
    '/v1/verifications/:id/scores',
    {
      onRequest,
      bodyLimit: SCORES_BYTES,
      schema: {
        operationId: 'submitScores',
        summary: 'Post what a verifier’s model says of each token of an answer',
        tags,
        security: keyed,
        params: IdParams,
        body: VerificationScores,
        response: answers({ 200: VerificationOutcome }, 400, 401, 403, 404, 409, 413),
      },
    },
    async request => await verifications.submit(principalOf(request), request.params.id, request.body),
  );

  app.post(
    '/v1/verifications/:id/fail',
    {
      onRequest,
      schema: {
        operationId: 'failVerification',
        summary: 'Give back an answer that the verifier can not score, so that another one gets it',
        tags,
        security: keyed,
        params: IdParams,
        body: FailVerification,
        response: answers({ 200: VerificationOutcome }, 400, 401, 403, 404, 409),
      },
    },
    async request =>
      await verifications.giveUp(principalOf(request), request.params.id, request.body.verifier_id),
  );
}

function ownerRoutes(app: App, { verifications, guards }: VerificationRoutes): void {
  app.post(
    '/v1/verifications/:id/appeal',
    {
      onRequest: guards.miner,
      preValidation: emptyWithoutBody,
      schema: {
        operationId: 'appealVerification',
        summary: 'Have another verifier read an accused answer again, for the owner of the miner',
        description: 'If it finds nothing, the record of the miner begins anew, and its suspension ends.',
        tags,
        security: keyed,
        params: IdParams,
        body: AppealVerification,
        response: answers({ 200: VerificationOutcome }, 400, 401, 403, 404, 409),
      },
    },
    async request => await verifications.appeal(principalOf(request), request.params.id, request.body),
  );

  app.get(
    '/v1/verifications/:id/scores',
    {
      onRequest: guards.account,
      schema: {
        operationId: 'getScores',
        summary: 'Get the numbers of all tokens, for the owner of the miner and the client of the job',
        tags,
        security: keyed,
        params: IdParams,
        response: answers({ 200: DisclosedScores }, 400, 401, 404),
      },
    },
    async request => await verifications.scores(principalOf(request), request.params.id),
  );
}

function publicRoutes(app: App, { verifications, guards }: VerificationRoutes): void {
  app.get(
    '/v1/verifications',
    {
      config: { costly: 'read' },
      onRequest: guards.public,
      schema: {
        operationId: 'listVerifications',
        summary: 'List what verifiers found, newest first',
        tags,
        querystring: ListVerifications,
        response: answers({ 200: Type.Array(VerificationStatement) }, 400, 401),
      },
    },
    async (request, reply) => {
      const { limit = LIMITS.defaultPageSize, cursor, miner, judgement } = request.query;
      const page = await verifications.list({ limit, before: cursor, miner, judgement });
      linkAfter(request, reply, page.next);
      return page.verifications;
    },
  );

  app.get(
    '/v1/verifications/:id',
    {
      onRequest: guards.public,
      schema: {
        operationId: 'getVerification',
        summary: 'Get what a verifier found, and its place in the ledger',
        tags,
        params: IdParams,
        response: answers({ 200: PublishedVerification }, 400, 401, 404),
      },
    },
    async request => await verifications.get(request.params.id),
  );

  app.get(
    '/v1/verifications/:id/proof',
    {
      onRequest: guards.public,
      schema: {
        operationId: 'getVerificationProof',
        summary: 'Get a verification and the proof that it is in the ledger (C2SP tlog-proof)',
        tags,
        params: IdParams,
        response: answers({ 200: tlogProof }, 400, 401, 404),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      return sendProof(reply, id, await verifications.proof(id));
    },
  );

  app.get(
    '/v1/evidence',
    {
      config: { costly: 'read' },
      onRequest: guards.public,
      schema: {
        operationId: 'listEvidence',
        summary: 'List what is known of the answers of each miner, by miner and passport',
        tags,
        querystring: ListEvidence,
        response: answers({ 200: Type.Array(MinerEvidence) }, 400, 401),
      },
    },
    async (request, reply) => {
      const { limit = LIMITS.defaultPageSize, cursor, miner } = request.query;
      const page = await verifications.board({ limit, after: cursor, miner });
      linkAfter(request, reply, page.next);
      return page.records;
    },
  );

  app.get(
    '/v1/draws',
    {
      config: { costly: 'read' },
      onRequest: guards.public,
      schema: {
        operationId: 'listDraws',
        summary: 'List by which draws answers were chosen, newest first',
        tags,
        querystring: ListDraws,
        response: answers({ 200: Type.Array(Draw) }, 400, 401),
      },
    },
    async (request, reply) => {
      const { limit = LIMITS.defaultPageSize, cursor } = request.query;
      const page = await verifications.draws({ limit, before: readPlace(cursor) });
      linkAfter(request, reply, page.next);
      return page.draws;
    },
  );
}
