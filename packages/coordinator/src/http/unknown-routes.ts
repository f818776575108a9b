import type { OpenAiProblem, Problem } from '@aitbc/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ErrorInfo } from '../errors.ts';
import { nearestIn } from '../nearest-name.ts';
import { problemOf } from './problem.ts';

/*
 * Responses to requests without a route. The caller may be a client of this API, of OpenAI's or of a similar one, so the
 * body has both error shapes and suggests a route.
 */

/** Both shapes of errors at once. */
type UnknownRoute = Problem & OpenAiProblem;

interface Route {
  method: string;
  /** The path as registered: `/v1/jobs/:id`. */
  path: string;
  pattern: RegExp;
}

/** Must be called before routes are registered, which it collects, and after the hooks that set common headers. */
export function answerUnknownRoutes(app: FastifyInstance): void {
  const routes: Route[] = [];
  app.addHook('onRoute', ({ method, url, schema }) => {
    const isHidden = Object(schema).hide === true;
    if (isHidden || url === '*') return;
    for (const one of [method].flat()) routes.push({ method: one, path: url, pattern: patternOf(url) });
  });
  const answer = (request: FastifyRequest, reply: FastifyReply) => {
    const path = pathOf(request.url);
    const methods = methodsFor(path, routes);
    if (methods.length > 0) {
      // No page asks, so this is no preflight, and no error either.
      if (request.method === 'OPTIONS' && request.headers.origin === undefined) return reply.code(204).send();
      reply.header('allow', methods.join(', '));
      const detail = `${path} takes ${methods.join(' and ')}, not ${request.method}`;
      return send(reply, { code: 'METHOD_NOT_ALLOWED', detail }, 'method_not_supported');
    }
    const detail = `There is no ${request.method} ${path}${createHint(request, path, routes)}`;
    return send(reply, { code: 'ROUTE_NOT_FOUND', detail }, 'unknown_url');
  };
  app.setNotFoundHandler(answer);
  // Responds before the body is read, since its content type may be unknown.
  app.addHook('onRequest', (request, reply, done) => {
    if (request.is404) answer(request, reply);
    else done();
  });
}

function send(reply: FastifyReply, info: ErrorInfo, code: string): FastifyReply {
  const { id } = reply.request;
  const problem = problemOf(info, id);
  const error = { message: info.detail, type: 'invalid_request_error', param: null, code };
  const body: UnknownRoute = { ...problem, error };
  return reply
    .code(problem.status)
    .header('x-request-id', id)
    .type('application/problem+json')
    .serializer((value: unknown) => JSON.stringify(value))
    .send(body);
}

const pathOf = (url: string) => (url.split('?')[0] ?? '/').replace(/(?<=.)\/+$/, '');

/** Parameters match any text without a slash, and a star matches any text. */
function patternOf(path: string): RegExp {
  const parts = path.split('/').map(part => {
    if (part.startsWith(':')) return '[^/]+';
    return part === '*' ? '.+' : part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('/')}$`);
}

const methodsFor = (path: string, routes: readonly Route[]): string[] => [
  ...new Set(routes.flatMap(({ method, pattern }) => (pattern.test(path) ? [method] : []))),
];

/** A suggestion that continues the sentence `There is no GET /…`. */
function createHint(request: FastifyRequest, path: string, routes: readonly Route[]): string {
  const meant = findMeantPath(path, routes);
  if (meant !== undefined)
    return `: did you mean ${meant}? Clients of OpenAI’s API need the address with /v1 at its end`;
  const other = OTHER_APIS.find(({ pattern }) => pattern.test(pathOf(request.originalUrl)));
  if (other) return `: that is of ${other.api}, and here is OpenAI’s /v1/chat/completions`;
  const paths = [...new Set(routes.map(route => route.path))].filter(known => !/[:*]/.test(known));
  const near = nearestIn(path, paths);
  return near === undefined ? '. What there is stands at /docs' : `: did you mean ${near}?`;
}

/** Finds a known path that ends this one, with or without `/v1`: for `/chat/completions` or `/v1/v1/models`. */
function findMeantPath(path: string, routes: readonly Route[]): string | undefined {
  const parts = path.split('/').filter(part => part !== '');
  for (let from = 0; from < parts.length; from++) {
    const rest = parts.slice(from);
    const full = `/${(rest[0] === 'v1' ? rest : ['v1', ...rest]).join('/')}`;
    if (full !== path && methodsFor(full, routes).length > 0) return full;
  }
  return undefined;
}

/** Routes of other APIs that clients are often configured for. */
const OTHER_APIS = [
  { api: 'Ollama’s API', pattern: /^\/api\/(chat|generate|tags|embed|embeddings|show|ps|pull|version)$/ },
  { api: 'Anthropic’s API', pattern: /^(\/v1)?\/(messages|complete)(\/|$)/ },
  { api: 'OpenAI’s API too, and not served here', pattern: /^(\/v1)?\/responses(\/|$)/ },
];
