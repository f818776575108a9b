import { FollowOverview, LIVE_EVENTS, Overview } from '@aitbc/protocol';
import { Type } from 'typebox';
import type { Guards } from '../../http/authentication.ts';
import { isUnchanged, MUTABLE, sendNotModified } from '../../http/caching.ts';
import { signalOf } from '../../http/connection.ts';
import { type App, answers, sendJson } from '../../http/routes.ts';
import { type ServerSentEvent, sendEvents, waitForFirst } from '../../http/server-sent-events.ts';
import type { OverviewFeed } from './overview-feed.ts';

const tags = ['explorer'];
const DEFAULT_SECONDS = 3_600;

interface OverviewRoutes {
  overview: OverviewFeed;
  guards: Guards;
  heartbeatMs: number;
}

/** The state of the network at a glance: once, and as it changes. */
export function overviewRoutes(app: App, { overview, guards, heartbeatMs }: OverviewRoutes): void {
  app.get(
    '/explorer/overview',
    {
      onRequest: guards.public,
      schema: {
        operationId: 'exploreOverview',
        summary: 'Get rates, queues, miners and the newest entries at a glance',
        description: 'It is computed once for all callers, at most every two seconds. Send its ETag back.',
        tags,
        response: answers({ 200: Overview }, 401),
      },
    },
    async (request, reply) => {
      const { json, etag } = await overview.current();
      reply.header('etag', etag).header('cache-control', MUTABLE);
      if (isUnchanged(request.headers['if-none-match'], etag)) return sendNotModified(reply);
      return sendJson(reply, json);
    },
  );

  app.get(
    '/explorer/live',
    {
      onRequest: guards.public,
      schema: {
        operationId: 'exploreLive',
        summary: 'Follow the overview as it changes (server-sent events)',
        description: describeEvents(),
        tags,
        querystring: FollowOverview,
        response: answers(
          {
            200: {
              description: 'The events',
              content: { 'text/event-stream': { schema: Type.Unknown() } },
            } as never,
          },
          ...[400, 401, 503],
        ),
      },
    },
    async (request, reply) => {
      const over = AbortSignal.timeout((request.query.seconds ?? DEFAULT_SECONDS) * 1000);
      const signal = AbortSignal.any([signalOf(reply), over]);
      const watching = await waitForFirst(overview.watch(signal), heartbeatMs);
      return sendEvents(reply, eventsOf(watching), { heartbeatMs });
    },
  );
}

async function* eventsOf(
  watching: AsyncIterable<{ event: string; json: string }>,
): AsyncGenerator<ServerSentEvent> {
  for await (const { event, json } of watching) yield { event, data: json };
}

function describeEvents(): string {
  const events = Object.entries(LIVE_EVENTS).map(([name, description]) => `- \`${name}\`: ${description}`);
  return `Each event has a name, and as its data an object in JSON:\n\n${events.join('\n')}`;
}
