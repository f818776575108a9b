import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { lineSafe } from '../json.ts';
import { HEARTBEAT, withHeartbeats, within } from './stream-heartbeat.ts';

/** As the WHATWG's HTML standard has it, "Server-sent events". */
export interface ServerSentEvent {
  /** `message` to clients unless given. */
  event?: string;
  id?: string;
  /** JSON on one line, or another word. */
  data: string;
}

/** Browsers wait so long before they connect again; each would decide for itself. */
const RETRY = 'retry: 1000\n\n';

export interface EventsOptions {
  heartbeatMs: number;
  /** What comes before the events: unless given, how long clients wait before they connect again. */
  opening?: string;
}

/** For clients that take every field for an event of theirs. */
export const COMMENT = ': \n\n';

/**
 * Answers with events as they come, and with a comment when none has come for `heartbeatMs`, so that neither side nor
 * a proxy takes the connection for dead. Asks for no event before the one ahead of it has left: who reads slowly is
 * sent slowly. `events` must end when the client hangs up (`signalOf`).
 */
export function sendEvents(
  reply: FastifyReply,
  events: AsyncIterable<ServerSentEvent>,
  { heartbeatMs, opening = RETRY }: EventsOptions,
): FastifyReply {
  return reply
    .header('content-type', 'text/event-stream; charset=utf-8')
    .header('cache-control', 'no-store, no-cache, no-transform')
    .header('x-accel-buffering', 'no')
    .send(Readable.from(framesOf(events, heartbeatMs, opening), { objectMode: false }));
}

async function* framesOf(
  events: AsyncIterable<ServerSentEvent>,
  heartbeatMs: number,
  opening: string,
): AsyncGenerator<string> {
  const iterator = events[Symbol.asyncIterator]();
  try {
    // At once, so that the client has the headers.
    yield opening;
    for await (const event of withHeartbeats(iterator, heartbeatMs)) yield event ? frameOf(event) : HEARTBEAT;
  } finally {
    await iterator.return?.();
  }
}

/**
 * The events, when the first of them is there, or after `ms`. Rejects as the events do, so that there can be another
 * answer than events. What it resolves with must be read.
 */
export async function begun<T>(events: AsyncIterable<T>, ms: number): Promise<AsyncIterable<T>> {
  const iterator = events[Symbol.asyncIterator]();
  const first = iterator.next();
  await within(ms, first);
  return resumed(iterator, first);
}

async function* resumed<T>(iterator: AsyncIterator<T>, first: Promise<IteratorResult<T>>): AsyncGenerator<T> {
  try {
    for (let next = await first; !next.done; next = await iterator.next()) yield next.value;
  } finally {
    await iterator.return?.();
  }
}

function frameOf({ event, id, data }: ServerSentEvent): string {
  const name = event === undefined ? '' : `event: ${event}\n`;
  const number = id === undefined ? '' : `id: ${id}\n`;
  return `${name}${number}data: ${lineSafe(data)}\n\n`;
}
