import { hash } from 'node:crypto';
import { CONFIGURED, type ConfiguredLimits, STATED } from '@aitbc/protocol';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance, FastifySchema } from 'fastify';
import type { ScopeGuard } from './authentication.ts';
import { isUnchanged, MUTABLE, sendNotModified } from './caching.ts';
import { PAGES_POLICY } from './headers.ts';

/** Serves the routes' schemas as OpenAPI 3.1 at `/openapi.json`, and an interactive page at `/docs`. */
export async function serveReference(
  app: FastifyInstance,
  { version, ...here }: ServedHere & { version: string },
): Promise<void> {
  await app.register(swagger, {
    transform: ({ schema, url, route }) => ({
      schema: withRoles(schema, [route.onRequest ?? []].flat()),
      url,
    }),
    transformObject: described =>
      withSharedErrors(
        completeSchemas('openapiObject' in described && described.openapiObject, here) as Document,
      ) as never,
    refResolver: {
      buildLocalReference: (schema, _base, _fragment, index) => `${schema.$id ?? `Schema${index}`}`,
    },
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'AITBC Coordinator API',
        version,
        description:
          'Submit AI inference jobs, run them as a miner, and verify what was done by signed receipts. JSON in which an object has a member `__proto__`, or two members of one name, is refused.',
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
        { name: 'accounts', description: 'The credits of an account' },
        { name: 'miners', description: 'Registration and state of miners' },
        { name: 'receipts', description: 'Public, signed, verifiable offline' },
        { name: 'ledger', description: 'The public log of all receipts, in the formats of C2SP' },
        { name: 'explorer', description: 'The data of the explorer' },
        { name: 'operator', description: 'For whoever runs the coordinator' },
        { name: 'webhooks', description: 'Events that are posted to you' },
        { name: 'network', description: 'Health and statistics' },
      ],
    },
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    // With the slash, the page refers to its files relatively, so they are found below any prefix of a proxy.
    uiHooks: {
      onRequest(request, reply, next) {
        if (request.url.split('?')[0] === '/docs') reply.redirect('docs/');
        else next();
      },
    },
    uiConfig: { docExpansion: 'list', deepLinking: true },
    staticCSP: PAGES_POLICY,
  });
  let made: { bytes: Buffer; etag: string } | undefined;
  app.get('/openapi.json', { schema: { hide: true } }, async (request, reply) => {
    if (!made) {
      const text = JSON.stringify(app.swagger());
      made = { bytes: Buffer.from(text), etag: `"${hash('sha256', text)}"` };
    }
    reply.header('etag', made.etag).header('cache-control', MUTABLE);
    if (isUnchanged(request.headers['if-none-match'], made.etag)) return sendNotModified(reply);
    return reply.type('application/json; charset=utf-8').send(made.bytes);
  });
}

/** Adds the scope that the route's guard requires to its security schemes. */
function withRoles(schema: FastifySchema, guards: readonly object[]): FastifySchema {
  const roles = guards.flatMap(guard => (guard as Partial<ScopeGuard>).scope ?? []);
  const security = schema?.security?.map(
    named => Object.fromEntries(Object.keys(named).map(name => [name, roles])) as Record<string, string[]>,
  );
  return security ? { ...schema, security } : schema;
}

interface OpenApiOperation {
  security: object[];
  requestBody: { content: Record<string, { schema: Record<string, unknown> }> };
  responses: Record<string, object>;
}

interface Document {
  components: { schemas: Record<string, object> };
}

const SHARED_SCHEMAS = ['Problem', 'OpenAiProblem'];

/** Moves the schemas of errors to the document's components, since copies in each response would be most of it. */
function withSharedErrors(document: Document): Document {
  const shared: Record<string, object> = {};
  const share = (part: unknown): unknown => {
    if (Array.isArray(part)) return part.map(share);
    if (typeof part !== 'object' || part === null) return part;
    const { title } = part as { title?: unknown };
    if (!SHARED_SCHEMAS.includes(title as string))
      return Object.fromEntries(Object.entries(part).map(([name, value]) => [name, share(value)]));
    shared[title as string] = part;
    return { $ref: `#/components/schemas/${title}` };
  };
  const { components, ...whole } = share(document) as Document;
  return { ...whole, components: { ...components, schemas: { ...components.schemas, ...shared } } };
}

/** Errors that any route may respond with, besides its own. */
const COMMON_ERRORS = {
  403: 'The key lacks the scope, or in open mode the request comes from elsewhere',
  429: 'Too many at once',
  503: 'Not available now',
};

/** Errors that any route with a body may respond with. */
const BODY_ERRORS = {
  408: 'The body did not arrive in time',
  413: 'Body too large',
  415: 'The body has another content type, or is compressed',
};

/** The route's responses with the common errors, in the shape of the route's own errors. */
function withCommonAnswers({ responses, requestBody }: OpenApiOperation): OpenApiOperation['responses'] {
  const common = Object.entries({ ...COMMON_ERRORS, ...(requestBody && BODY_ERRORS) }).map(
    ([status, description]) => [status, { ...responses.default, description }] as const,
  );
  return { ...Object.fromEntries(common), ...responses };
}

/** What the reference states about the coordinator that serves it. */
interface ServedHere {
  /** Whether no key is needed. */
  open: boolean;
  limits: ConfiguredLimits;
}

/**
 * Completes the schemas: with the keywords that validators don't read, with this coordinator's limits, and in open mode
 * with the fact that no key is needed.
 */
function completeSchemas(part: unknown, here: ServedHere): unknown {
  if (Array.isArray(part)) return part.map(item => completeSchemas(item, here));
  if (typeof part !== 'object' || part === null) return part;
  const { [STATED]: stated, [CONFIGURED]: configured, ...own } = part as Record<string, unknown>;
  const limits = Object.entries(Object(configured) as Record<string, keyof ConfiguredLimits>)
    .map(([keyword, limit]) => [keyword, here.limits[limit]] as const)
    .filter(([, value]) => value !== undefined);
  const entries = Object.entries({ ...own, ...Object(stated), ...Object.fromEntries(limits) });
  const whole = Object.fromEntries(
    entries
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, completeSchemas(value, here)]),
  );
  const { security, requestBody, responses } = whole as Partial<OpenApiOperation>;
  if (responses?.default) whole.responses = withCommonAnswers(whole as unknown as OpenApiOperation);
  if (Object.values(requestBody?.content ?? {}).some(({ schema }) => schema['x-optional']))
    Object.assign(requestBody as object, { required: false });
  const needsKey = Array.isArray(security) && !security.some(scheme => Object.keys(scheme).length === 0);
  return here.open && needsKey ? { ...whole, security: [{}, ...security] } : whole;
}
