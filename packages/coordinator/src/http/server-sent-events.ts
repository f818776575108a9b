import type { FastifyReply } from 'fastify';
import { lineSafe } from '../json.ts';
import { createEventStream } from './event-stream.ts';

/** An event of the WHATWG's HTML standard, section "Server-sent events". */
export interface ServerSentEvent {
  /** Name of the event; clients use `message` unless given. */
  event?: string;
  id?: string;
  /** JSON on one line, or a word. */
  data: string;
}

/** Tells browsers how long to wait before they connect again. */
const RETRY = 'retry: 1000\n\n';

export interface SendEventsOptions {
  heartbeatMs: number;
  /** Text before the events; unless given, it tells clients how long to wait before they connect again. */
  opening?: string;
}

/** An opening for clients that fail on fields other than events. */
export const COMMENT = ': \n\n';

/**
 * Responds with events as they arrive, and with a comment after each `heartbeatMs` without one, so that neither side nor
 * a proxy considers the connection dead. Takes the next event only when the one before was sent, so a slow reader slows
 * down the source. `events` must end when the client disconnects (see `signalOf`).
 */
export function sendEvents(
  reply: FastifyReply,
  events: AsyncIterable<ServerSentEvent>,
  { heartbeatMs, opening = RETRY }: SendEventsOptions,
): FastifyReply {
  return reply
    .header('content-type', 'text/event-stream; charset=utf-8')
    .header('cache-control', 'no-store, no-cache, no-transform')
    .header('x-accel-buffering', 'no')
    .send(createEventStream(events, frameOf, { opening, heartbeatMs }));
}

/**
 * Resolves with the same events once the first has arrived, or after `ms`. Rejects where they fail before that, so that
 * the response can be an error. The caller must read the events that it resolves with.
 */
export async function waitForFirst<T>(events: AsyncIterable<T>, ms: number): Promise<AsyncIterable<T>> {
  const iterator = events[Symbol.asyncIterator]();
  const first = iterator.next();
  await withTimeout(ms, first);
  return resume(iterator, first);
}

async function* resume<T>(iterator: AsyncIterator<T>, first: Promise<IteratorResult<T>>): AsyncGenerator<T> {
  try {
    for (let next = await first; !next.done; next = await iterator.next()) yield next.value;
  } finally {
    await iterator.return?.();
  }
}

/** Resolves with undefined where the promise takes longer than `ms`. */
async function withTimeout<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(late.resolve, ms);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function frameOf({ event, id, data }: ServerSentEvent): string {
  const name = event === undefined ? '' : `event: ${event}\n`;
  const number = id === undefined ? '' : `id: ${id}\n`;
  return `${name}${number}data: ${lineSafe(data)}\n\n`;
}
