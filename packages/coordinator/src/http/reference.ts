import { hash } from 'node:crypto';
import { STATED } from '@aitbc/protocol';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { isUnchanged, MUTABLE } from './caching.ts';
import { PAGES_POLICY } from './headers.ts';
import { sendJson } from './routes.ts';

/** OpenAPI 3.1 from the routes' own schemas at `/openapi.json`, and a page to read and try it at `/docs`. */
export async function serveReference(
  app: FastifyInstance,
  { version, open }: { version: string; open: boolean },
): Promise<void> {
  await app.register(swagger, {
    transformObject: described =>
      exact('openapiObject' in described && described.openapiObject, open) as never,
    refResolver: {
      buildLocalReference: (schema, _base, _fragment, index) => `${schema.$id ?? `Schema${index}`}`,
    },
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'AITBC Coordinator API',
        version,
        description:
          'Submit AI inference jobs, run them as a miner, and verify what was done by signed receipts.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/' }, { url: '/api' }],
      components: {
        securitySchemes: {
          apiKey: { type: 'apiKey', in: 'header', name: 'X-Api-Key' },
          bearer: { type: 'http', scheme: 'bearer' },
        },
      },
      tags: [
        { name: 'jobs', description: 'For applications' },
        { name: 'openai', description: 'For clients of OpenAI’s API, with errors in its shape' },
        { name: 'mining', description: 'For miners: claim jobs and post results' },
        { name: 'accounts', description: 'Credits that one has' },
        { name: 'miners', description: 'Registration and state of miners' },
        { name: 'receipts', description: 'Public, signed, verifiable offline' },
        { name: 'ledger', description: 'The public log of all receipts, in the formats of C2SP' },
        { name: 'explorer', description: 'What the explorer shows' },
        { name: 'network', description: 'Health and statistics' },
      ],
    },
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    // With the slash the page names its files relative to itself: they are found below any prefix of a proxy.
    uiHooks: {
      onRequest(request, reply, next) {
        if (request.url.split('?')[0] === '/docs') reply.redirect('docs/');
        else next();
      },
    },
    uiConfig: { docExpansion: 'list', deepLinking: true },
    staticCSP: PAGES_POLICY,
  });
  let made: { text: string; etag: string } | undefined;
  app.get('/openapi.json', { schema: { hide: true } }, async (request, reply) => {
    if (!made) {
      const text = JSON.stringify(app.swagger());
      made = { text, etag: `"${hash('sha256', text)}"` };
    }
    reply.header('etag', made.etag).header('cache-control', MUTABLE);
    if (isUnchanged(request.headers['if-none-match'], made.etag)) return reply.code(304).send();
    return sendJson(reply, made.text);
  });
}

interface OpenApiOperation {
  security: object[];
  requestBody: { content: Record<string, { schema: Record<string, unknown> }> };
}

/** With what the schemas state beside what validators read, and in open mode that no key is needed. */
function exact(part: unknown, open: boolean): unknown {
  if (Array.isArray(part)) return part.map(item => exact(item, open));
  if (typeof part !== 'object' || part === null) return part;
  const { [STATED]: stated, ...own } = part as Record<string, unknown>;
  const entries = Object.entries({ ...own, ...Object(stated) }).filter(([, value]) => value !== undefined);
  const whole = Object.fromEntries(entries.map(([name, value]) => [name, exact(value, open)]));
  const { security, requestBody } = whole as Partial<OpenApiOperation>;
  if (Object.values(requestBody?.content ?? {}).some(({ schema }) => schema['x-optional']))
    Object.assign(requestBody as object, { required: false });
  return open && Array.isArray(security) ? { ...whole, security: [{}, ...security] } : whole;
}
