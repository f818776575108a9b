import type { FastifyInstance } from 'fastify';
import { fail } from '../errors.ts';

/** Security headers of all responses. A library would be slower for constants that every response has. */
const HEADERS = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
};

/** Content security policy of the API reference's pages, which load scripts from the coordinator. */
export const PAGES_POLICY =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'self'; frame-ancestors 'none'";

/** `cache-control` of responses that depend on the caller. */
export const PRIVATE = 'no-store';

/** Sets the security headers of all responses, and rejects compressed bodies. */
export function setSecurityHeaders(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(HEADERS);
    const { 'content-encoding': encoding = 'identity' } = request.headers;
    if (encoding.toLowerCase() !== 'identity') {
      reply.header('accept-encoding', 'identity');
      fail('UNSUPPORTED_MEDIA_TYPE', `Send the body uncompressed, without Content-Encoding: ${encoding}`);
    }
    done();
  });
}
