import { NewNotice, Notice } from '@aitbc/protocol';
import { Type } from 'typebox';
import { actorOf } from '../http/actor.ts';
import { type Guards, principalOf } from '../http/authentication.ts';
import { type App, answers, IdempotencyHeader, IdParams, keyed, withReplayed } from '../http/routes.ts';
import type { NoticeService } from './notices.ts';

const tags = ['miners'];

export function noticeRoutes(
  app: App,
  { notices, guards }: { notices: NoticeService; guards: Guards },
): void {
  app.post(
    '/v1/notices',
    {
      onRequest: guards.admin,
      schema: {
        operationId: 'createNotice',
        summary: 'Tell the owners of miners something, for administrators',
        description:
          'A miner gets it with its next claim that finds no jobs and asks why (`Prefer: explain`).',
        tags,
        security: keyed,
        headers: IdempotencyHeader,
        body: NewNotice,
        response: answers({ 201: Notice }, 400, 401, 403, 409),
      },
    },
    async (request, reply) => {
      const key = request.headers['idempotency-key'];
      const made = await notices.create(principalOf(request), actorOf(request), request.body, key);
      reply.code(201).header('location', `notices/${made.answer.id}`);
      return withReplayed(reply, made);
    },
  );

  app.get(
    '/v1/notices',
    {
      config: { costly: 'read' },
      onRequest: guards.admin,
      schema: {
        operationId: 'listNotices',
        summary: 'List the notices to miners, oldest first, for administrators',
        tags,
        security: keyed,
        response: answers({ 200: Type.Array(Notice) }, 400, 401, 403),
      },
    },
    async () => await notices.list(),
  );

  app.delete(
    '/v1/notices/:id',
    {
      onRequest: guards.admin,
      schema: {
        operationId: 'deleteNotice',
        summary: 'Delete a notice, for administrators',
        tags,
        security: keyed,
        params: IdParams,
        response: answers({ 204: Type.Null() }, 400, 401, 403, 404),
      },
    },
    async (request, reply) => {
      await notices.remove(actorOf(request), request.params.id);
      return reply.code(204).send(null);
    },
  );
}
