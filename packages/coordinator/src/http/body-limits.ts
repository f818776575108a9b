import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { RequestError } from '../errors.ts';
import { COSTLY_BYTES } from '../limits/turns.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Lets the body take a long time, as long as data keeps arriving. */
    longBody?: LongBody;
  }
  interface FastifyRequest {
    /** Call this when the body is parsed or discarded, so that its bytes no longer count. */
    releaseBody: (() => void) | null;
  }
}

export interface LongBody {
  /** The longest pause within the body. */
  idleSeconds: number;
  totalSeconds: number;
}

/** Returns the length of a request's body in bytes, or undefined if it has a body of unknown length. */
export function bodyLength({ headers }: FastifyRequest): number | undefined {
  if (headers['transfer-encoding'] !== undefined) return undefined;
  return Number(headers['content-length'] ?? 0);
}

/** Whether a body of this length may be costly to parse. */
export const mayBeLarge = (length: number | undefined): boolean => !(Number(length) <= COSTLY_BYTES);

export interface BodyLimits {
  /** A body must be complete after this time. */
  seconds: number;
  /** The most bytes of all bodies that are incomplete or wait to be parsed. */
  memory: number;
}

/**
 * Rejects bodies that take too long, and large ones while incomplete bodies already take too much memory. Small bodies
 * are not counted, so that usual requests pass while large ones are rejected.
 */
export function limitBodies(app: FastifyInstance, { seconds, memory }: BodyLimits): void {
  let held = 0;
  app.decorateRequest('releaseBody', null);

  /** Counts the received bytes of a body until it is parsed or rejected. */
  function count(request: FastifyRequest, reply: FastifyReply, fail: (error: RequestError) => void) {
    let own = 0;
    const take = (chunk: Buffer | string) => {
      own += chunk.length;
      held += chunk.length;
      if (held > memory)
        fail(
          overloaded('Other requests are uploading too much at the moment: send the large body again soon'),
        );
    };
    const release = () => {
      request.raw.off('data', take);
      held -= own;
      own = 0;
    };
    request.raw.on('data', take);
    request.releaseBody = release;
    reply.raw.once('close', release);
  }

  const watch = onceIncomplete((request, reply) => {
    watchTime(request, seconds, error => giveUp(request, reply, error));
  });

  app.addHook('preParsing', (request, reply, payload, done) => {
    const { raw } = request;
    const length = bodyLength(request);
    if (raw.complete || length === 0) return done(null, payload);
    const { longBody } = request.routeOptions.config;
    const isLong = longBody !== undefined && !/^application\/json\b/.test(raw.headers['content-type'] ?? '');
    const fail = (error: RequestError) => giveUp(request, reply, error);
    if (isLong) watchProgress(request, longBody, fail);
    else watch(request, reply);
    if (!isLong && mayBeLarge(length)) count(request, reply, fail);
    done(null, payload);
  });
}

/**
 * Calls `watch` with the requests whose bodies are incomplete when all that has arrived is read. Most bodies arrive
 * together with their headers, and a timer for each of them would cost more than reading it.
 */
function onceIncomplete(watch: (request: FastifyRequest, reply: FastifyReply) => void) {
  let begun: [FastifyRequest, FastifyReply][] = [];
  const watchIncomplete = () => {
    const requests = begun;
    begun = [];
    for (const [request, reply] of requests)
      if (!request.raw.complete && !request.raw.destroyed) watch(request, reply);
  };
  return (request: FastifyRequest, reply: FastifyReply) => {
    if (begun.push([request, reply]) === 1) setImmediate(watchIncomplete);
  };
}

function watchTime({ raw }: FastifyRequest, seconds: number, fail: (error: RequestError) => void): void {
  const timer = setTimeout(
    () => fail(tooSlow(`The body was not complete after ${seconds} s`)),
    seconds * 1000,
  );
  const stop = () => clearTimeout(timer);
  raw.once('end', stop).once('close', stop);
}

function watchProgress(
  { raw }: FastifyRequest,
  { idleSeconds, totalSeconds }: LongBody,
  fail: (error: RequestError) => void,
): void {
  const since = performance.now();
  let before = -1;
  const timer = setInterval(() => {
    const { bytesRead } = raw.socket;
    if (bytesRead === before) fail(tooSlow(`No part of the body arrived for ${idleSeconds} s`));
    else if (performance.now() - since > totalSeconds * 1000)
      fail(tooSlow(`The body was not complete after ${totalSeconds} s`));
    before = bytesRead;
  }, idleSeconds * 1000);
  const stop = () => clearInterval(timer);
  raw.once('end', stop).once('close', stop);
}

/** Passes the error to the reader of the body, which sends it, and closes the connection. */
function giveUp({ raw }: FastifyRequest, reply: FastifyReply, error: RequestError): void {
  if (raw.destroyed) return;
  if (!reply.sent) reply.header('connection', 'close');
  if (raw.listenerCount('error') === 0 || reply.raw.headersSent) raw.destroy();
  else raw.emit('error', error);
}

const tooSlow = (detail: string) => new RequestError({ code: 'REQUEST_TIMEOUT', detail });
const overloaded = (detail: string) =>
  new RequestError({ code: 'SYSTEM_OVERLOADED', detail, limit: 'overload', retryAfter: 1 });
