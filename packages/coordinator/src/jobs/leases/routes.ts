import {
  AvailableJob,
  ClaimedJobs,
  ClaimJob,
  ClaimJobs,
  CompleteJob,
  FailJob,
  Heartbeat,
  HeartbeatAnswer,
  JobOutcome,
  MinerJob,
  MinerProcess,
  Receipt,
} from '@aitbc/protocol';
import { Type } from 'typebox';
import { actorOf } from '../../http/actor.ts';
import { type Guards, principalOf } from '../../http/authentication.ts';
import { REPLACING, replacingHalves } from '../../http/bodies.ts';
import { agentVersionOf, prefersExplanation, signalOf } from '../../http/connection.ts';
import { type App, answers, emptyWithoutBody, IdParams, keyed, sendJson } from '../../http/routes.ts';
import type { MinerRegistry } from '../../miners/miners.ts';
import type { MinerCaller } from '../../miners/register.ts';
import type { NoticeService } from '../../notices/notices.ts';
import type { MinerJobs } from './miner-jobs.ts';

const tags = ['mining'];

const ClaimHeaders = Type.Object({
  prefer: Type.Optional(
    Type.String({
      description:
        'With `explain`, an answer without jobs says why in `idle`. With `explain; agent="NAME/1.2.3"` it has the notices for this version of an agent.',
    }),
  ),
});

const callerOf = ({ miner_id, epoch }: ClaimJob): MinerCaller => ({ minerId: miner_id, epoch });

interface MinerJobRoutes {
  jobs: MinerJobs;
  miners: MinerRegistry;
  notices: Pick<NoticeService, 'forMiner'>;
  guards: Guards;
}

export function minerJobRoutes(app: App, { jobs, miners, notices, guards }: MinerJobRoutes): void {
  const onRequest = guards.miner;

  app.get(
    '/v1/jobs/available',
    {
      onRequest,
      schema: {
        operationId: 'availableJob',
        summary: 'Offer the best job to a miner and keep it for some seconds; null if there is none',
        tags,
        security: keyed,
        querystring: AvailableJob,
        response: answers({ 200: Type.Union([MinerJob, Type.Null()]) }, 400, 401, 403, 404, 409),
      },
    },
    async (request, reply) => {
      const { miner_id, epoch, wait = 0 } = request.query;
      const take = { minerId: miner_id, epoch, max: 1, waitSeconds: wait, offer: true };
      const [job] = await jobs.take(principalOf(request), take, () => signalOf(reply));
      // Fastify would send an empty body for a returned null.
      return job ?? sendJson(reply, 'null');
    },
  );

  app.post(
    '/v1/miners/:id/claims',
    {
      onRequest,
      preValidation: emptyWithoutBody,
      schema: {
        operationId: 'claimJobs',
        summary: 'Claim up to `max` jobs in one step',
        tags,
        security: keyed,
        params: IdParams,
        headers: ClaimHeaders,
        body: ClaimJobs,
        response: answers({ 200: ClaimedJobs }, 400, 401, 403, 404, 409),
      },
    },
    async (request, reply) => {
      const { epoch, max = 1, wait = 0 } = request.body;
      const minerId = request.params.id;
      const take = { minerId, epoch, max, waitSeconds: wait, offer: false };
      const taken = await jobs.take(principalOf(request), take, () => signalOf(reply));
      if (taken.length > 0 || !prefersExplanation(request)) return { jobs: taken };
      reply.header('preference-applied', 'explain');
      const { miner, report } = await miners.idle(minerId);
      const told = await notices.forMiner(miner, agentVersionOf(request));
      return { jobs: taken, idle: { ...report, ...(told.length > 0 && { notices: told }) } };
    },
  );

  app.post(
    '/v1/jobs/:id/claim',
    {
      onRequest,
      schema: {
        operationId: 'claimJob',
        summary: 'Claim a job, which leases it until lease_expires_at',
        tags,
        security: keyed,
        params: IdParams,
        body: ClaimJob,
        response: answers({ 200: MinerJob }, 400, 401, 403, 404, 409, 410),
      },
    },
    async request => await jobs.claim(principalOf(request), request.params.id, callerOf(request.body)),
  );

  app.post(
    '/v1/jobs/:id/complete',
    {
      onRequest,
      ...replacingHalves,
      schema: {
        operationId: 'completeJob',
        description: REPLACING,
        summary: 'Post the result of a leased job and get the receipt',
        tags,
        security: keyed,
        params: IdParams,
        body: CompleteJob,
        response: answers({ 200: Receipt }, 400, 401, 403, 404, 409, 413),
      },
    },
    async (request, reply) => {
      const receipt = await jobs.complete(principalOf(request), request.params.id, request.body);
      return sendJson(reply, receipt);
    },
  );

  app.post(
    '/v1/jobs/:id/fail',
    {
      onRequest,
      ...replacingHalves,
      schema: {
        operationId: 'failJob',
        description: REPLACING,
        summary: 'Report that a leased job failed',
        tags,
        security: keyed,
        params: IdParams,
        body: FailJob,
        response: answers({ 200: JobOutcome }, 400, 401, 403, 404, 409),
      },
    },
    async request => {
      const { id } = request.params;
      const outcome = await jobs.fail(principalOf(request), id, request.body);
      const { miner_id, error_class } = request.body;
      const reported = { job_id: id, miner_id, error_class, status: outcome.status };
      request.log.info(reported, 'a miner reported a failure');
      return outcome;
    },
  );

  app.post(
    '/v1/jobs/:id/release',
    {
      onRequest,
      schema: {
        operationId: 'releaseJob',
        summary: 'Return a leased job; the attempt does not count',
        tags,
        security: keyed,
        params: IdParams,
        body: ClaimJob,
        response: answers({ 200: JobOutcome }, 400, 401, 403, 404, 409),
      },
    },
    async request => await jobs.release(principalOf(request), request.params.id, callerOf(request.body)),
  );

  app.post(
    '/v1/miners/:id/heartbeat',
    {
      onRequest,
      preValidation: emptyWithoutBody,
      schema: {
        operationId: 'heartbeat',
        summary: 'Extend all leases of a miner and learn which jobs to stop',
        tags,
        security: keyed,
        params: IdParams,
        body: Heartbeat,
        response: answers({ 200: HeartbeatAnswer }, 400, 401, 403, 404, 409),
      },
    },
    async (request, reply) => {
      const { epoch, jobs: believes = [], loaded, wait = 0 } = request.body;
      const caller = { minerId: request.params.id, epoch };
      const beat = { believes, loaded, waitSeconds: wait };
      return await jobs.heartbeat(principalOf(request), caller, beat, () => signalOf(reply));
    },
  );

  app.delete(
    '/v1/miners/:id',
    {
      onRequest,
      schema: {
        operationId: 'deregisterMiner',
        summary: 'Remove a miner; the jobs it holds become pending again',
        tags: ['miners'],
        security: keyed,
        params: IdParams,
        querystring: MinerProcess,
        response: answers({ 204: Type.Null() }, 400, 401, 403, 404, 409),
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const caller = { minerId: request.params.id, epoch: request.query.epoch };
      const actor = actorOf(request);
      // The miner drains first, so that it cannot claim new jobs in between.
      await miners.drain(principal, caller, actor);
      await jobs.releaseAll(principal, caller);
      await miners.remove(principal, caller, actor);
      return reply.code(204).send(null);
    },
  );
}
