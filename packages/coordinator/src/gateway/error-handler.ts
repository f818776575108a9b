import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { errorInfoOf } from '../http/problem.ts';
import { type App, sendJson } from '../http/routes.ts';
import { httpStatusOf } from './error-status.ts';
import { OpenAiError, openAiErrorFor } from './errors.ts';

/** Makes the routes of a Fastify scope answer errors in the format of OpenAI's API. */
export function useOpenAiErrors(app: App): void {
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    done();
  });
  app.setErrorHandler<FastifyError>((error, request, reply) =>
    sendError(toOpenAiError(error, request), reply),
  );
  // The endpoints validate bodies themselves, so that errors have OpenAI's texts and codes.
  app.setValidatorCompiler(() => () => true);
}

/** Converts any error that a route threw to the format of OpenAI's API, and logs unexpected ones. */
export function toOpenAiError(error: FastifyError | OpenAiError, request: FastifyRequest): OpenAiError {
  if (error instanceof OpenAiError) return error;
  const info = errorInfoOf(error, request);
  request.failure = info;
  if (info.code === 'SYSTEM_INTERNAL_ERROR') request.log.error({ err: error }, 'request failed');
  return openAiErrorFor(info);
}

function sendError({ body, details }: OpenAiError, reply: FastifyReply): FastifyReply {
  const { retryAfter, retry } = details;
  const status = httpStatusOf(details);
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter);
  // OpenAI's clients read this header. Without it they retry after every 409 and 5xx.
  if (retry !== undefined) reply.header('x-should-retry', String(retry));
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  return sendJson(reply.code(status), JSON.stringify(body));
}
