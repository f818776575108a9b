import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { ERROR_STATUS, type ErrorCode, type Problem } from '@aitbc/protocol';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Refusal, Refused } from '../store/operation.ts';
import { StoreUnavailable } from '../store/unavailable.ts';
import { validationRefusal } from './validation.ts';

const TITLES: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  402: 'Payment Required',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  410: 'Gone',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
};

export function problemOf({ code, detail, field, retryAfter }: Refusal, requestId: string): Problem {
  const status = ERROR_STATUS[code];
  return {
    type: `urn:aitbc:error:${code}`,
    title: TITLES[status] ?? 'Error',
    status,
    detail,
    error_code: code,
    request_id: requestId,
    ...(field !== undefined && { field }),
    ...(retryAfter !== undefined && { retry_after: retryAfter }),
  };
}

function send(reply: FastifyReply, refusal: Refusal): FastifyReply {
  const problem = problemOf(refusal, reply.request.id);
  if (refusal.retryAfter !== undefined) reply.header('retry-after', refusal.retryAfter);
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .serializer((body: unknown) => JSON.stringify(body))
    .send(problem);
}

/** What the framework itself refuses, by its error codes. */
const FRAMEWORK_REFUSALS: Record<string, ErrorCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'PAYLOAD_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'VALIDATION_INVALID_FORMAT',
  FST_ERR_CTP_INVALID_JSON_BODY: 'VALIDATION_INVALID_FORMAT',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'VALIDATION_INVALID_FORMAT',
  FST_ERR_BAD_URL: 'VALIDATION_INVALID_FORMAT',
  FST_ERR_MAX_PARAM_LENGTH: 'ROUTE_NOT_FOUND',
};

/** What is told of an error, whoever threw it. */
export function refusalOf(error: FastifyError, request: FastifyRequest): Refusal {
  if (error instanceof Refused) return error.refusal;
  if (error instanceof StoreUnavailable) {
    return { code: 'SYSTEM_OVERLOADED', detail: error.message, retryAfter: error.retryAfter };
  }
  if (error.validation?.[0]) return validationRefusal(error.validation, error.validationContext);
  const code = FRAMEWORK_REFUSALS[error.code];
  if (code === 'PAYLOAD_TOO_LARGE') {
    return { code, detail: `The body is larger than ${request.routeOptions.bodyLimit} bytes` };
  }
  if (code === 'UNSUPPORTED_MEDIA_TYPE') {
    return { code, detail: 'The body must be JSON, with the header Content-Type: application/json' };
  }
  if (code) return { code, detail: error.message };
  if (error.statusCode === 400) return { code: 'VALIDATION_INVALID_FORMAT', detail: error.message };
  if (error.statusCode === 503)
    return { code: 'SYSTEM_MAINTENANCE', detail: 'The coordinator is stopping', retryAfter: 5 };
  return {
    code: 'SYSTEM_INTERNAL_ERROR',
    detail: 'Something went wrong on our side; the request id tells the operator what',
  };
}

/** What is read and thrown away of a body that is too large, and for how long, before its sender is answered. */
const DRAINED_BYTES = 64 * 1024 * 1024;
const DRAINED_MS = 10_000;

/**
 * Reads on to the end of a body that was refused, within bounds. The connection is closed behind the answer, and a client
 * that is still sending then would see a reset rather than the answer.
 */
async function drain(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return;
  await new Promise<void>(resolve => {
    let left = DRAINED_BYTES;
    const timer = setTimeout(resolve, DRAINED_MS);
    request.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      if (left <= 0) resolve();
    });
    for (const event of ['end', 'close', 'error']) request.once(event, () => resolve());
    request.once('close', () => clearTimeout(timer));
    request.resume();
  });
  request.pause();
}

export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler<FastifyError>(async (error, request, reply) => {
    const refusal = refusalOf(error, request);
    if (refusal.code === 'SYSTEM_INTERNAL_ERROR') request.log.error({ err: error }, 'request failed');
    if (refusal.code === 'PAYLOAD_TOO_LARGE') await drain(request.raw);
    return send(reply, refusal);
  });
}

/** What can't be routed at all. */
export function answerFrameworkError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  send(reply, refusalOf(error, request));
}

/** What is no HTTP request that can be read: there is nobody to route it, and the connection is of no more use. */
export function answerUnreadable(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const detail =
    error.code === 'HPE_HEADER_OVERFLOW' ? 'The headers are too large' : 'This is no HTTP request';
  const body = JSON.stringify(problemOf({ code: 'VALIDATION_INVALID_FORMAT', detail }, randomUUID()));
  socket.end(
    [
      'HTTP/1.1 400 Bad Request',
      'Content-Type: application/problem+json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}
