import {
  LIMITS,
  ListMiners,
  ListOwnMiners,
  Miner,
  MinerDetail,
  MinerProcess,
  RegisterMiner,
} from '@aitbc/protocol';
import { Type } from 'typebox';
import { actorOf } from '../http/actor.ts';
import { type Guards, principalOf } from '../http/authentication.ts';
import { linkNext } from '../http/pages.ts';
import { type App, answers, IdParams, keyed } from '../http/routes.ts';
import type { MinerRegistry } from './miners.ts';
import type { MinerCaller } from './register.ts';

const tags = ['miners'];

const callerOf = ({ params, query }: { params: { id: string }; query: MinerProcess }): MinerCaller => ({
  minerId: params.id,
  epoch: query.epoch,
});

export function minerRoutes(app: App, { miners, guards }: { miners: MinerRegistry; guards: Guards }): void {
  app.post(
    '/v1/miners/register',
    {
      config: { costly: 'write' },
      onRequest: guards.miner,
      schema: {
        operationId: 'registerMiner',
        summary: 'Register a miner, or change its registration',
        tags,
        security: keyed,
        body: RegisterMiner,
        response: answers({ 200: Miner, 201: Miner }, 400, 401, 403, 409),
      },
    },
    async (request, reply) => {
      const { miner, created } = await miners.register(principalOf(request), request.body);
      reply.code(created ? 201 : 200);
      return miner;
    },
  );

  app.get(
    '/v1/miners',
    {
      config: { costly: 'read', shared: true },
      onRequest: guards.public,
      schema: {
        operationId: 'listMiners',
        summary: 'List miners by id',
        tags,
        querystring: ListMiners,
        response: answers({ 200: Type.Array(Miner) }, 400, 401),
      },
    },
    async (request, reply) => {
      const { limit = LIMITS.defaultPageSize, cursor, ...of } = request.query;
      const page = await miners.list({ ...of, limit, after: cursor });
      linkNext(
        request,
        reply,
        limit,
        page.map(miner => miner.miner_id),
      );
      return page;
    },
  );

  app.get(
    '/v1/account/miners',
    {
      config: { costly: 'read' },
      onRequest: guards.miner,
      schema: {
        operationId: 'listOwnMiners',
        summary: 'List the miners of your account by id',
        tags,
        security: keyed,
        querystring: ListOwnMiners,
        response: answers({ 200: Type.Array(Miner) }, 400, 401, 403),
      },
    },
    async (request, reply) => {
      const { limit = LIMITS.defaultPageSize, cursor, ...of } = request.query;
      const page = await miners.listOwn(principalOf(request), { ...of, limit, after: cursor });
      linkNext(
        request,
        reply,
        limit,
        page.map(miner => miner.miner_id),
      );
      return page;
    },
  );

  app.get(
    '/v1/miners/:id',
    {
      config: { shared: true },
      onRequest: guards.public,
      schema: {
        operationId: 'getMiner',
        summary: 'Get a miner, and why it gets the jobs it gets',
        tags,
        params: IdParams,
        response: answers({ 200: MinerDetail }, 400, 401, 404),
      },
    },
    async request => await miners.get(request.params.id),
  );

  app.post(
    '/v1/miners/:id/drain',
    {
      onRequest: guards.miner,
      schema: {
        operationId: 'drainMiner',
        summary: 'Give a miner no new jobs; it may finish those it holds',
        tags,
        security: keyed,
        params: IdParams,
        querystring: MinerProcess,
        response: answers({ 200: Miner }, 400, 401, 403, 404, 409),
      },
    },
    async request => await miners.drain(principalOf(request), callerOf(request), actorOf(request)),
  );

  app.post(
    '/v1/miners/:id/resume',
    {
      onRequest: guards.miner,
      schema: {
        operationId: 'resumeMiner',
        summary: 'Give a drained miner jobs again',
        tags,
        security: keyed,
        params: IdParams,
        querystring: MinerProcess,
        response: answers({ 200: Miner }, 400, 401, 403, 404, 409),
      },
    },
    async request => await miners.resume(principalOf(request), callerOf(request), actorOf(request)),
  );

  app.post(
    '/v1/miners/:id/suspend',
    {
      onRequest: guards.admin,
      schema: {
        operationId: 'suspendMiner',
        summary: 'Suspend a miner’s owner, so that all of its miners get no jobs, for administrators',
        description: 'It ends as other suspensions do: after a while, or when the miner is reinstated.',
        tags,
        security: keyed,
        params: IdParams,
        response: answers({ 200: Miner }, 400, 401, 403, 404),
      },
    },
    async request => await miners.suspend(request.params.id, actorOf(request)),
  );

  app.post(
    '/v1/miners/:id/reinstate',
    {
      onRequest: guards.admin,
      schema: {
        operationId: 'reinstateMiner',
        summary: 'End a miner’s suspension and reset its reputation, for administrators',
        tags,
        security: keyed,
        params: IdParams,
        response: answers({ 200: Miner }, 400, 401, 403, 404),
      },
    },
    async request => await miners.reinstate(request.params.id, actorOf(request)),
  );
}
