import { hash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import { isUnchanged, MUTABLE } from './caching.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The answer is the same for all callers: it has a tag, and callers that accept an older one may share it. */
    shared?: true;
  }
  interface FastifyRequest {
    /** Tells those who wait for the same answer what it is. */
    shareAnswer: ((answer: SharedAnswer | undefined) => void) | null;
  }
}

interface SharedAnswer {
  body: Buffer;
  etag: string;
  link: string | undefined;
  at: number;
}

/** How old an answer may be at most, whatever a caller accepts. */
const MAX_AGE_MS = 2_000;
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * Gives the answers of routes with `shared` a tag, and answers 304 to callers that have the same. Callers that accept an
 * answer of some seconds ago, by `Cache-Control: max-age=2`, get one that was read for others: a hundred browsers that
 * look at the same page then cost one reading. All others get what is stored now.
 */
export function shareAnswers(app: FastifyInstance, uptime: () => number): void {
  const kept = new LRUCache<string, SharedAnswer>({
    maxSize: MAX_BYTES,
    sizeCalculation: ({ body }) => body.length + 1,
  });
  const awaited = new Map<string, Promise<SharedAnswer | undefined>>();
  app.decorateRequest('shareAnswer', null);

  /** Returns the answer of another request, which may be under way. Else, others wait for that of this request. */
  async function find(request: FastifyRequest, reply: FastifyReply): Promise<SharedAnswer | undefined> {
    const ageMs = Math.min(acceptedAgeMs(request), MAX_AGE_MS);
    if (ageMs === 0) return undefined;
    const { url } = request;
    const known = kept.get(url);
    if (known && uptime() - known.at < ageMs) return known;
    const underWay = awaited.get(url);
    if (underWay) return await underWay;
    const { promise, resolve } = Promise.withResolvers<SharedAnswer | undefined>();
    awaited.set(url, promise);
    request.shareAnswer = answer => {
      if (answer) kept.set(url, answer);
      awaited.delete(url);
      request.shareAnswer = null;
      resolve(answer);
    };
    reply.raw.once('close', () => request.shareAnswer?.(undefined));
    return undefined;
  }

  // Before the turn that a costly read waits for, and behind the check of the caller's key.
  app.addHook('preValidation', async (request, reply) => {
    if (!request.routeOptions.config.shared) return;
    const found = await find(request, reply);
    if (!found) return;
    if (found.link !== undefined) reply.header('link', found.link);
    reply.header('etag', found.etag).type('application/json; charset=utf-8');
    return reply.send(found.body);
  });

  app.addHook('onSend', async (request, reply, payload) => {
    if (!request.routeOptions.config.shared) return payload;
    const isGood = reply.statusCode === 200 && (typeof payload === 'string' || Buffer.isBuffer(payload));
    if (!isGood) {
      request.shareAnswer?.(undefined);
      return payload;
    }
    const etag = String(reply.getHeader('etag') ?? `"${hash('sha1', payload, 'base64url')}"`);
    const link = reply.getHeader('link');
    request.shareAnswer?.({
      body: Buffer.from(payload),
      etag,
      link: link === undefined ? undefined : String(link),
      at: uptime(),
    });
    reply.header('etag', etag);
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', MUTABLE);
    if (!isUnchanged(request.headers['if-none-match'], etag)) return payload;
    reply.code(304).removeHeader('content-type');
    return null;
  });
}

const acceptedAgeMs = ({ headers }: FastifyRequest) =>
  Number(/(?:^|[\s,])max-age=(\d{1,9})/.exec(headers['cache-control'] ?? '')?.[1] ?? 0) * 1000;
