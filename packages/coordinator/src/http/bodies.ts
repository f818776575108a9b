import { keepText } from '@aitbc/protocol';
import type { FastifyInstance } from 'fastify';
import { soundJson } from '../json.ts';

/**
 * Takes JSON bodies, and none when there is none: clients that send the content type with every request may call
 * routes that need no body. Text is Unicode, so that it has a hash: a lone surrogate becomes U+FFFD, as in any
 * encoding to UTF-8. Throws Refused as `soundJson` does.
 */
export function takeJsonBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser(['application/json', 'text/plain']);
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, text: string, done) => {
    if (text === '') return done(null, undefined);
    parse(request, text, (error, body) => {
      if (error) return done(error);
      try {
        done(null, keepText(soundJson(text, body), text));
      } catch (refusal) {
        done(refusal as Error);
      }
    });
  });
}
