import type { IncomingMessage } from 'node:http';
import {
  EVENT_ID_PATTERN,
  FollowJob,
  JOB_EVENTS,
  type NumberedJobEvent,
  PostChunks,
  PostedChunks,
  PostedStreams,
  PostStreams,
  StreamChunks,
} from '@aitbc/protocol';
import { type TSchema, Type } from 'typebox';
import { fail, RequestError } from '../../errors.ts';
import { type Guards, principalOf } from '../../http/authentication.ts';
import { REPLACING, replacingHalves } from '../../http/bodies.ts';
import type { LongBody } from '../../http/body-limits.ts';
import { signalOf } from '../../http/connection.ts';
import { problemOf } from '../../http/problem.ts';
import { type App, answers, IdParams, keyed, sendJson } from '../../http/routes.ts';
import { type ServerSentEvent, sendEvents } from '../../http/server-sent-events.ts';
import type { MinerCaller } from '../../miners/register.ts';
import type { StreamChunk } from '../../store/events.ts';
import { readChunkLines } from './chunk-lines.ts';
import type { JobEvents } from './follow-job.ts';
import type { ChunkReceiver, NextChunks } from './receive-chunks.ts';

export interface StreamRoutes {
  events: JobEvents;
  chunks: ChunkReceiver;
  guards: Guards;
  /** The time between comments in an idle stream. */
  heartbeatMs: number;
  /** The length limit of a line in a long request, in bytes. */
  lineLimit: number;
  /** The size limit of a stream of chunks. */
  bodyLimits: LongBody;
}

/** Adds the streaming routes. They need a Fastify scope of their own, because only they accept lines of JSON. */
export function streamRoutes(app: App, routes: StreamRoutes): void {
  eventRoutes(app, routes);
  chunkRoutes(app, routes);
  minerChunksRoute(app, routes);
}

const EventHeaders = Type.Object({
  'last-event-id': Type.Optional(
    Type.String({
      maxLength: 64,
      pattern: EVENT_ID_PATTERN,
      description: 'Continues after this event, at any coordinator.',
    }),
  ),
});

function eventRoutes(app: App, { events, guards, heartbeatMs }: StreamRoutes): void {
  app.get(
    '/v1/jobs/:id/events',
    {
      onRequest: guards.client,
      schema: {
        operationId: 'followJob',
        summary: 'Follow a job as server-sent events until it ends',
        description: describeEvents(),
        tags: ['jobs'],
        security: keyed,
        params: IdParams,
        querystring: FollowJob,
        headers: EventHeaders,
        response: answers(
          {
            200: eventStream(Type.Unknown({ description: 'Events, as described above.' })) as never,
            204: Type.Null({ description: 'Nothing follows this event.' }),
          },
          ...[400, 401, 403, 404, 429, 503],
        ),
      },
    },
    async (request, reply) => {
      const after = request.headers['last-event-id'] || request.query.last_event_id || undefined;
      const follow = { after, signal: signalOf(reply) };
      const following = await events.follow(principalOf(request), request.params.id, follow);
      // A 204 makes an EventSource stop reconnecting.
      if (!following) return reply.code(204).send(null);
      return sendEvents(reply, messagesOf(following), { heartbeatMs });
    },
  );
}

const eventStream = (schema: TSchema) => ({
  description: 'The events',
  content: { 'text/event-stream': { schema } },
});

function describeEvents(): string {
  const events = Object.entries(JOB_EVENTS).map(([name, { description, properties }]) => {
    const fields = name === 'receipt' ? '' : ` \`${Object.keys(properties).join('`, `')}\`.`;
    return `- \`${name}\`: ${description}${fields}`;
  });
  return `Each event has a name, an id, and as its data an object in JSON:\n\n${events.join('\n')}`;
}

async function* messagesOf(events: AsyncIterable<NumberedJobEvent>): AsyncGenerator<ServerSentEvent> {
  for await (const { event, id, data } of events) yield { event, id, data: JSON.stringify(data) };
}

const LINES = 'application/x-ndjson';

function chunkRoutes(app: App, { chunks: receiver, guards, lineLimit, bodyLimits }: StreamRoutes): void {
  app.addContentTypeParser(LINES, (_request, body, done) => done(null, body));
  app.post(
    '/v1/jobs/:id/chunks',
    {
      onRequest: guards.miner,
      ...replacingHalves,
      config: { ...replacingHalves.config, longBody: bodyLimits },
      schema: {
        operationId: 'postChunks',
        summary: 'Post text of a leased job as it is generated; extends the lease',
        description: `As JSON in many short requests, or as \`${LINES}\` in a long one: a line \`{"text":"…"}\` or \`{"reasoning":"…"}\` for each chunk, which is stored when it arrives. The other fields are then query parameters. ${REPLACING}`,
        tags: ['mining'],
        security: keyed,
        params: IdParams,
        querystring: StreamChunks,
        body: {
          content: {
            'application/json': { schema: PostChunks },
            [LINES]: { schema: Type.Unsafe<IncomingMessage>({}) },
          },
        } as unknown as typeof PostChunks,
        response: answers({ 200: PostedChunks }, 400, 401, 403, 404, 409, 413, 415),
      },
    },
    async (request, reply) => {
      const post = async (caller: MinerCaller, next: NextChunks) => {
        if (request.revocation) throw new RequestError(request.revocation);
        return await receiver.post(principalOf(request), caller, request.params.id, next);
      };
      if (request.headers['content-type']?.startsWith('application/json')) {
        const { miner_id, epoch, attempt, first, chunks } = request.body;
        return await post({ minerId: miner_id, epoch }, { attempt, first, chunks: chunks.map(chunkOf) });
      }
      // A stream can outlast its key, which may be revoked meanwhile.
      signalOf(reply);
      // The connection is closed if the rest of the body is not read.
      reply.header('connection', 'close');
      const answer = await postLines(request.query, request.raw, lineLimit, post);
      reply.removeHeader('connection');
      return answer;
    },
  );
}

function minerChunksRoute(app: App, { chunks: receiver, guards }: StreamRoutes): void {
  app.post(
    '/v1/miners/:id/chunks',
    {
      onRequest: guards.miner,
      ...replacingHalves,
      schema: {
        operationId: 'postMinerChunks',
        summary: 'Post text of several leased jobs as it is generated; extends their leases',
        description: `One request instead of one for each job, as \`aitbc miner\` sends it. An error of one job does not keep the others from being stored. ${REPLACING}`,
        tags: ['mining'],
        security: keyed,
        params: IdParams,
        body: PostStreams,
        response: answers({ 200: PostedStreams }, 400, 401, 403, 404, 409, 413),
      },
    },
    async (request, reply) => {
      const { epoch, streams } = request.body;
      const outcomes = await receiver.postAll(
        principalOf(request),
        { minerId: request.params.id, epoch },
        streams.map(({ job_id, attempt, first, chunks }) => ({
          ...{ jobId: job_id, attempt, first, chunks: chunks.map(chunkOf) },
        })),
      );
      const posted: PostedStreams['streams'] = outcomes.map((outcome, at) =>
        outcome.ok
          ? outcome.value
          : { job_id: streams[at]?.job_id ?? '', error: problemOf(outcome.error, request.id) },
      );
      return sendJson(reply, JSON.stringify({ streams: posted }));
    },
  );
}

const chunkOf = (chunk: PostChunks['chunks'][number]): StreamChunk =>
  typeof chunk === 'string' ? { kind: 'text', text: chunk } : { kind: 'reasoning', text: chunk.reasoning };

/** Posts the chunks that have arrived, then those that arrived in the meantime. */
async function postLines(
  { miner_id: minerId, epoch, attempt, first = 0 }: StreamChunks,
  body: IncomingMessage,
  lineLimit: number,
  post: (caller: MinerCaller, next: NextChunks) => Promise<PostedChunks>,
): Promise<PostedChunks> {
  if (minerId === undefined)
    fail('VALIDATION_MISSING_FIELD', 'miner_id is missing in the query', { field: 'miner_id' });
  const caller = { minerId, epoch };
  // Checks the lease at once, not when the first token arrives.
  let answer = await post(caller, { attempt, first, chunks: [] });
  let at = first;
  for await (const chunks of readChunkLines(body, lineLimit)) {
    answer = await post(caller, { attempt, first: at, chunks });
    at += chunks.length;
  }
  return answer;
}
