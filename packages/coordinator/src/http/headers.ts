import type { FastifyInstance } from 'fastify';
import { fail } from '../errors.ts';

/** Constant, and set by hand rather than by a library: they are part of every answer, and the API's pages are few. */
const HEADERS = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
};

/** Of the pages of the API reference, which bring their own scripts. */
export const PAGES_POLICY =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'self'; frame-ancestors 'none'";

/** `cache-control` of what is not for everybody. */
export const PRIVATE = 'no-store';

/** Tells browsers to make nothing of answers but what they are, and refuses bodies that are packed. */
export function guardAnswers(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(HEADERS);
    const { 'content-encoding': encoding = 'identity' } = request.headers;
    if (encoding.toLowerCase() !== 'identity') {
      reply.header('accept-encoding', 'identity');
      fail('UNSUPPORTED_MEDIA_TYPE', `Bodies are taken as they are, without Content-Encoding: ${encoding}`);
    }
    done();
  });
}
