import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { errorInfoOf } from '../http/problem.ts';
import { type App, sendJson } from '../http/routes.ts';
import { errorOf, OpenAiError } from './errors.ts';

/** Has the routes of a scope answer errors as OpenAI's API does. */
export function speakOpenAi(app: App): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
  app.setErrorHandler<FastifyError>((error, request, reply) => sendError(errorFor(error, request), reply));
  // Bodies are read by the endpoints, which know what to say about them.
  app.setValidatorCompiler(() => () => true);
}

/** An error in the terms of OpenAI's API, whoever threw it. */
export function errorFor(error: FastifyError | OpenAiError, request: FastifyRequest): OpenAiError {
  if (error instanceof OpenAiError) return error;
  const info = errorInfoOf(error, request);
  if (info.code === 'SYSTEM_INTERNAL_ERROR') request.log.error({ err: error }, 'request failed');
  return errorOf(info);
}

function sendError({ body, details }: OpenAiError, reply: FastifyReply): FastifyReply {
  const { status, retryAfter, retry } = details;
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter);
  // Read by OpenAI's own clients, which try again after 409 and 5xx otherwise.
  if (retry !== undefined) reply.header('x-should-retry', String(retry));
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  return sendJson(reply.code(status), JSON.stringify(body));
}
