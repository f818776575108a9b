import { hash } from 'node:crypto';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isUnchanged, MUTABLE, sendNotModified } from '../http/caching.ts';
import { VERSION } from '../version.ts';
import { WEB_PATHS } from './paths.ts';
import type { WebFiles } from './web-files.ts';

/** Scripts, styles and requests only from and to this coordinator, and nothing inline. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

const YEAR_MS = 365 * 24 * 3_600_000;

/**
 * Serves the web app to browsers: one page for all its paths, and its assets. Programs that ask for the same paths get
 * what they got without the web app, and at `/` an index.
 */
export async function webRoutes(app: FastifyInstance, files: WebFiles | undefined): Promise<void> {
  const page = files?.page ?? NOT_BUILT;
  const etag = `"${hash('sha256', page)}"`;
  const sendPage = (request: FastifyRequest, reply: FastifyReply) => {
    reply.header('content-security-policy', POLICY).header('cache-control', MUTABLE);
    reply.header('etag', etag).header('vary', 'Accept');
    if (isUnchanged(request.headers['if-none-match'], etag)) return sendNotModified(reply);
    return reply.type('text/html; charset=utf-8').send(page);
  };
  for (const path of WEB_PATHS)
    app.get(path, { schema: { hide: true } }, (request, reply) => {
      if (isBrowser(request)) return sendPage(request, reply);
      const answer = FOR_PROGRAMS[path];
      if (answer === undefined) return reply.callNotFound();
      return reply.header('vary', 'Accept').header('cache-control', MUTABLE).send(answer);
    });
  if (!files) return;
  await app.register(fastifyStatic, {
    root: join(files.folder, 'assets'),
    prefix: '/assets/',
    // Whatever else is asked for is an unknown route. One route for each file would be most of the routes.
    allowedPath: path => files.assets.has(path.slice(1)),
    index: false,
    decorateReply: false,
    preCompressed: true,
    maxAge: YEAR_MS,
    immutable: true,
    schemaHide: true,
    setHeaders: response => response.setHeader('vary', 'Accept-Encoding'),
  });
}

/** Browsers ask for HTML by name when they open a page. Programs, and scripts in pages, don't. */
const isBrowser = ({ headers: { accept } }: FastifyRequest) => accept?.includes('text/html') ?? false;

/** What a program gets at `/`. */
const INDEX = {
  name: 'AITBC coordinator',
  version: VERSION,
  reference: '/openapi.json',
  documentation: '/docs/',
  health: '/health',
  statistics: '/v1/stats',
  overview: '/explorer/overview',
  ledger: '/ledger/checkpoint',
};

/** What a program gets at the link of an invitation. The token is in the fragment, which is not sent. */
const JOIN_TEXT = `This link is an invitation to an AITBC coordinator. To join, give the whole link to the command:

  npx aitbc join 'LINK'

It prints your API key and what to do next. Without the command:

  curl -X POST COORDINATOR/v1/invitations/redeem -H 'content-type: application/json' -d '{"token": "invite_…"}'

The token is the part of the link after the #.
`;

/** Paths at which programs get something else than browsers. */
const FOR_PROGRAMS: Readonly<Record<string, object | string>> = { '/': INDEX, '/join': JOIN_TEXT };

const NOT_BUILT = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>AITBC coordinator</title>
<h1>The web app is not built</h1>
<p>The coordinator runs, and its API answers. To build the web app, run <code>npm run build --workspace @aitbc/web</code>
in the checkout, and start the coordinator again.</p>
<p><a href="/docs/">Reference of the API</a></p>
</html>
`;
