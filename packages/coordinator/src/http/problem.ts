import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { ERROR_STATUS, type ErrorCode, LIMITS, type Problem } from '@aitbc/protocol';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type ErrorInfo, RequestError } from '../errors.ts';
import { StoreUnavailable } from '../store/unavailable.ts';
import { validationError } from './validation.ts';

const TITLES: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  402: 'Payment Required',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  410: 'Gone',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
};

export function problemOf(
  { code, detail, field, retryAfter, components }: ErrorInfo,
  requestId: string,
): Problem {
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
    ...(components !== undefined && { components }),
  };
}

function send(reply: FastifyReply, info: ErrorInfo): FastifyReply {
  const problem = problemOf(info, reply.request.id);
  if (info.retryAfter !== undefined) reply.header('retry-after', info.retryAfter);
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .serializer((body: unknown) => JSON.stringify(body))
    .send(problem);
}

/** Error codes for errors of Fastify and other libraries, by status. The default is VALIDATION_INVALID_FORMAT. */
const CODES_BY_STATUS: Record<number, ErrorCode> = {
  404: 'ROUTE_NOT_FOUND',
  408: 'REQUEST_TIMEOUT',
  413: 'PAYLOAD_TOO_LARGE',
  // A parameter of the path is longer than any that exists.
  414: 'ROUTE_NOT_FOUND',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  429: 'RATE_LIMIT_EXCEEDED',
  431: 'HEADERS_TOO_LARGE',
};

/** The most characters of a field's name in a response. Clients choose names, and responses should be small. */
const FIELD_LENGTH = 256;

/** The error for the caller, from any thrown error. */
export function errorInfoOf(error: FastifyError, request: FastifyRequest): ErrorInfo {
  const info = causeOf(error, request);
  const { detail, field } = info;
  return {
    ...info,
    detail: cut(detail, LIMITS.errorLength),
    ...(field !== undefined && { field: cut(field, FIELD_LENGTH) }),
  };
}

const cut = (text: string, length: number) =>
  text.length <= length ? text : `${text.slice(0, length - 1).toWellFormed()}…`;

function causeOf(error: FastifyError, request: FastifyRequest): ErrorInfo {
  if (error instanceof RequestError) return error.info;
  if (error instanceof StoreUnavailable) {
    return { code: 'SYSTEM_OVERLOADED', detail: error.message, retryAfter: error.retryAfter };
  }
  if (error.validation?.[0]) return validationError(error.validation, error.validationContext);
  // The caller has disconnected, so this must not count as a failure of the coordinator.
  if (request.raw.destroyed && !request.raw.complete)
    return {
      code: 'VALIDATION_INVALID_FORMAT',
      detail: 'The connection closed before the request was complete',
    };
  const { statusCode = 500 } = error;
  if (statusCode >= 400 && statusCode < 500) return frameworkErrorInfo(statusCode, error, request);
  if (error.statusCode === 503)
    return { code: 'SYSTEM_MAINTENANCE', detail: 'The coordinator is stopping', retryAfter: 5 };
  return {
    code: 'SYSTEM_INTERNAL_ERROR',
    detail: 'The coordinator failed; the operator can find the reason by the request id',
  };
}

/** How much of a too large body is read and discarded before the response, and for how long. */
const DRAINED_BYTES = 64 * 1024 * 1024;
const DRAINED_MS = 10_000;

/**
 * Reads a rejected body to its end, within limits. The connection is closed after the response, and a client that is
 * still sending would see a reset instead of the response.
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

function frameworkErrorInfo(status: number, { message }: FastifyError, request: FastifyRequest): ErrorInfo {
  const code = CODES_BY_STATUS[status] ?? 'VALIDATION_INVALID_FORMAT';
  if (code === 'PAYLOAD_TOO_LARGE')
    return { code, detail: `The body is larger than ${request.routeOptions.bodyLimit} bytes` };
  if (code === 'UNSUPPORTED_MEDIA_TYPE')
    return { code, detail: 'The body must be JSON, with the header Content-Type: application/json' };
  return { code, detail: message };
}

export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler<FastifyError>(async (error, request, reply) => {
    const info = errorInfoOf(error, request);
    request.failure = info;
    if (info.code === 'SYSTEM_INTERNAL_ERROR') request.log.error({ err: error }, 'request failed');
    if (info.code === 'PAYLOAD_TOO_LARGE') await drain(request.raw);
    return send(reply, info);
  });
}

/** Responds to a request that Fastify can't route. */
export function answerFrameworkError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  send(reply, errorInfoOf(error, request));
}

/** Responds to data that is not a readable HTTP request, and closes the connection. */
export function answerUnreadable(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = problemOf(
    error.code === 'HPE_HEADER_OVERFLOW'
      ? { code: 'HEADERS_TOO_LARGE', detail: 'The headers are too large' }
      : { code: 'VALIDATION_INVALID_FORMAT', detail: 'This is not an HTTP request' },
    randomUUID(),
  );
  const body = JSON.stringify(problem);
  socket.end(
    [
      `HTTP/1.1 ${problem.status} ${problem.title}`,
      'Content-Type: application/problem+json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}
