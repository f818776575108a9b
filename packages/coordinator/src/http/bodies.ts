import { isUtf8 } from 'node:buffer';
import { keepText } from '@aitbc/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { fail } from '../errors.ts';
import { soundJson } from '../json.ts';
import { scanJson } from '../json-scan.ts';
import type { Limits } from '../limits/limits.ts';
import { COSTLY_BYTES } from '../limits/turns.ts';
import { callerOf } from './turns.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Replaces invalid characters by U+FFFD instead of rejecting the body. The response names the fields. */
    replacesHalves?: boolean;
  }
  interface FastifyRequest {
    /** Fields of the body in which characters were replaced. */
    replacedIn: string[] | null;
  }
}

/** Response header that names the fields in which characters were replaced. */
const REPLACED_TEXT = 'replaced-text';

/** The most fields that the header names. */
const FIELDS_TOLD = 8;

/**
 * Parses JSON bodies. An empty body counts as none, since some clients send the content type with every request. Text
 * must be valid Unicode in UTF-8, so that it has a hash; some routes replace invalid characters instead. Large bodies are
 * scanned before they are parsed, one at a time for each caller. Throws RequestError as `soundJson` and `scanJson` do.
 */
export function takeJsonBodies(app: FastifyInstance, { costly }: Pick<Limits, 'costly'>): void {
  const parser = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser(['application/json', 'text/plain']);
  app.decorateRequest('replacedIn', null);
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, bytes: Buffer, done) => {
    if (bytes.length === 0) return done(null, undefined);
    if (bytes.length > COSTLY_BYTES) return takeLarge(request, bytes);
    parse(request, bytes, undefined, done);
  });

  function parse(
    request: FastifyRequest,
    bytes: Buffer,
    members: number | undefined,
    done: (error: Error | null, body?: unknown) => void,
  ) {
    const text = bytes.toString('utf8');
    const finish = (error: Error | null, body?: unknown) => {
      if (error) return done(error);
      try {
        done(null, soundBody(request, { bytes, text, members }, body));
      } catch (error) {
        done(error as Error);
      }
    };
    const body = parsePlain(text);
    if (body === undefined) parser(request, text, finish);
    else finish(null, body);
  }

  async function takeLarge(request: FastifyRequest, bytes: Buffer): Promise<unknown> {
    request.endTurn = await costly.take(callerOf(request));
    request.releaseBody?.();
    if (request.raw.socket.destroyed)
      fail('VALIDATION_INVALID_FORMAT', 'The connection closed before the request was complete');
    const members = await scanJson(bytes);
    return await new Promise((resolve, reject) => {
      parse(request, bytes, members, (error, body) => (error ? reject(error) : resolve(body)));
    });
  }
}

/**
 * Parses JSON that can have no member `__proto__` or `constructor`, whatever is escaped in it. Returns undefined for
 * other texts. Fastify's parser looks for those members by expressions that take longer than the parsing itself.
 */
function parsePlain(text: string): unknown {
  if (text.includes('__proto__') || text.includes('constructor') || text.includes('\\u00')) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

interface Received {
  bytes: Buffer;
  text: string;
  /** Number of members of all objects, if they were counted. */
  members: number | undefined;
}

function soundBody(request: FastifyRequest, { bytes, text, members }: Received, body: unknown): unknown {
  const mayReplace = request.routeOptions.config.replacesHalves === true;
  if (!isUtf8(bytes)) {
    if (!mayReplace) fail('VALIDATION_INVALID_FORMAT', 'The body is not in UTF-8');
    request.replacedIn = ['body'];
  }
  const onReplaced = (fields: string[]) => {
    request.replacedIn = [...(request.replacedIn ?? []), ...fields];
  };
  return keepText(soundJson(text, body, { onReplaced: mayReplace ? onReplaced : undefined, members }), text);
}

/** The sentence for the reference of such a route. */
export const REPLACING =
  'What is not Unicode, such as half of a character that was cut, is replaced by U+FFFD; the header `Replaced-Text` of the answer then names the fields.';

/** Options of a route that accepts text from engines. */
export const replacingHalves = {
  config: { replacesHalves: true },
  preValidation: async ({ replacedIn }: FastifyRequest, reply: FastifyReply) => {
    if (!replacedIn) return;
    const fields = replacedIn.slice(0, FIELDS_TOLD).map(field => encodeURIComponent(field).slice(0, 100));
    reply.header(REPLACED_TEXT, fields.join(', '));
  },
};
