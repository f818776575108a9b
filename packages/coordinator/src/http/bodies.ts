import { isUtf8 } from 'node:buffer';
import { keepText } from '@aitbc/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { fail } from '../errors.ts';
import { soundJson } from '../json.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the route takes is not to be lost for half a character: U+FFFD stands for it, and the answer says where. */
    replacesHalves?: boolean;
  }
  interface FastifyRequest {
    /** Fields of the body in which something was replaced. */
    replacedIn: string[] | null;
  }
}

/** The fields in which something was replaced, in answers of routes that replace. */
const REPLACED_TEXT = 'replaced-text';

/** As many fields as a header has room for. */
const FIELDS_TOLD = 8;

/**
 * Takes JSON bodies, and none when there is none: clients that send the content type with every request may call
 * routes that need no body. Text is Unicode in UTF-8, so that it has a hash: else it is an error, but on routes
 * that replace what is not. Throws RequestError as `soundJson` does.
 */
export function takeJsonBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser(['application/json', 'text/plain']);
  app.decorateRequest('replacedIn', null);
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, bytes: Buffer, done) => {
    if (bytes.length === 0) return done(null, undefined);
    const text = bytes.toString('utf8');
    parse(request, text, (error, body) => {
      if (error) return done(error);
      try {
        done(null, soundBody(request, bytes, text, body));
      } catch (error) {
        done(error as Error);
      }
    });
  });
}

function soundBody(request: FastifyRequest, bytes: Buffer, text: string, body: unknown): unknown {
  const mayReplace = request.routeOptions.config.replacesHalves === true;
  if (!isUtf8(bytes)) {
    if (!mayReplace) fail('VALIDATION_INVALID_FORMAT', 'The body is not in UTF-8');
    request.replacedIn = ['body'];
  }
  const onReplaced = (fields: string[]) => {
    request.replacedIn = [...(request.replacedIn ?? []), ...fields];
  };
  return keepText(soundJson(text, body, { onReplaced: mayReplace ? onReplaced : undefined }), text);
}

/** What such a route says of that. */
export const REPLACING =
  'What is not Unicode, such as half of a character that was cut, is replaced by U+FFFD; the header `Replaced-Text` of the answer then names the fields.';

/** Options of a route that takes what engines have written. */
export const replacingHalves = {
  config: { replacesHalves: true },
  preValidation: async ({ replacedIn }: FastifyRequest, reply: FastifyReply) => {
    if (!replacedIn) return;
    const fields = replacedIn.slice(0, FIELDS_TOLD).map(field => encodeURIComponent(field).slice(0, 100));
    reply.header(REPLACED_TEXT, fields.join(', '));
  },
};
