import { writeOwn } from '@aitbc/protocol/own-json';
import { Agent, fetch, type Response } from 'undici';
import { BackendError } from '../backend.ts';
import { type EngineSays, engineError, errorIn } from './engine-errors.ts';

/** An inference server. */
export interface Server {
  /** The name in messages: `Ollama`. */
  kind: string;
  /** The address without a slash at its end. */
  url: string;
  /** Sent as a bearer token. */
  key?: string | undefined;
}

export interface ServerRequest {
  /** A request with a body is a POST. */
  body?: unknown;
  traceparent?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** No timeouts here: the job's deadline limits the engine, and a large model may take minutes to load. */
const patient = new Agent({ headersTimeout: 0, bodyTimeout: 0, connect: { timeout: 10_000 } });

/** An engine that does not list its models within this time counts as gone. */
const LIST_TIMEOUT_MS = 10_000;

/** The longest answer that is read whole, in UTF-16 units. 2,048 vectors of 4,096 numbers are 200 million. */
const LONGEST_BODY = 256 * 1024 * 1024;
const LONGEST_ERROR = 64 * 1024;

/**
 * Sends a request, as a POST when there is a body.
 *
 * @throws {BackendError} `down` when there is no answer
 * @throws {EngineError} for an unsuccessful answer
 */
export async function send(
  server: Server,
  path: string,
  { body, traceparent, signal }: ServerRequest,
): Promise<Response> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (server.key) headers.authorization = `Bearer ${server.key}`;
  if (traceparent !== undefined) headers.traceparent = traceparent;
  if (body !== undefined) headers['content-type'] = 'application/json';
  const response = await guard(server, signal, () =>
    fetch(server.url + path, {
      headers,
      dispatcher: patient,
      ...(signal && { signal }),
      ...(body !== undefined && { method: 'POST', body: writeOwn(body) }),
    }),
  );
  if (response.ok) return response;
  const { status } = response;
  const text = await readText(server, response, signal, LONGEST_ERROR);
  throw engineError(server.kind, errorInText(text), {
    status,
    retryAfter: response.headers.get('retry-after'),
  });
}

/**
 * Returns what a server lists, such as its models.
 *
 * @throws {BackendError} `down` when it does not answer within 10 s
 */
export async function readList(
  server: Server,
  path: string,
  signal?: AbortSignal,
): Promise<Record<string, unknown>> {
  const late = new AbortController();
  const timer = setTimeout(() => {
    const seconds = LIST_TIMEOUT_MS / 1000;
    late.abort(
      new BackendError(`${server.kind} at ${server.url} did not answer GET ${path} within ${seconds} s`, {
        down: true,
      }),
    );
  }, LIST_TIMEOUT_MS);
  const either = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
  try {
    return await readJson(server, await send(server, path, { signal: either }), either);
  } finally {
    clearTimeout(timer);
  }
}

export async function readJson(
  server: Server,
  response: Response,
  signal?: AbortSignal,
): Promise<Record<string, unknown>> {
  const text = await readText(server, response, signal, LONGEST_BODY);
  return parseObject(server, text);
}

/** Returns the text of an answer, cut after `limit` UTF-16 units. */
async function readText(
  server: Server,
  response: Response,
  signal: AbortSignal | undefined,
  limit: number,
): Promise<string> {
  let text = '';
  for await (const part of readParts(server, response, signal)) {
    text += part;
    if (text.length > limit) return text.slice(0, limit);
  }
  return text;
}

/** Yields the text of an answer in pieces, which never split a character. */
export async function* readParts(
  server: Server,
  response: Response,
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  const reader = response.body?.getReader();
  if (!reader) return;
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await guard(server, signal, () => reader.read());
      const text = done ? decoder.decode() : decoder.decode(value, { stream: true });
      if (text !== '') yield text;
      if (done) return;
    }
  } finally {
    // Closes the connection, so that the server does not go on generating for nobody.
    await reader.cancel().catch(() => {});
  }
}

/** Yields the lines of a streamed answer that are not empty. */
export async function* readLines(
  server: Server,
  response: Response,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let rest = '';
  for await (const part of readParts(server, response, signal)) {
    const lines = (rest + part).split(/\r?\n/);
    rest = lines.pop() ?? '';
    if (rest.length > LONGEST_LINE) throw tooLong(server);
    yield* lines.filter(line => line !== '');
  }
  if (rest !== '') yield rest;
}

/** The longest line, or event, of a stream, in UTF-16 units. */
export const LONGEST_LINE = 32 * 1024 * 1024;

export const tooLong = ({ kind }: Server) =>
  new BackendError(`${kind} sent a line of more than ${LONGEST_LINE} characters`);

/** Parses the JSON object in a line or a body. */
export function parseObject(server: Server, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {}
  throw noJson(server);
}

export const noJson = ({ kind, url }: Server) =>
  new BackendError(`${kind} at ${url} answered something other than JSON. Is this the right address?`);

function errorInText(text: string): EngineSays | null {
  try {
    return errorIn(JSON.parse(text));
  } catch {
    const message = text.trim().slice(0, 500);
    return message === '' ? null : { message };
  }
}

/** Normalizes a URL that a person typed. */
export function serverUrl(text: string): string {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new BackendError(`"${text}" is not the URL of a server: it looks like http://127.0.0.1:8080`);
  }
  return (url.origin + url.pathname).replace(/\/+$/, '');
}

async function guard<T>(
  { kind, url }: Server,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    signal?.throwIfAborted();
    throw new BackendError(`${kind} does not answer at ${url}: ${reason(error)}`, {
      down: true,
      cause: error,
    });
  }
}

function reason(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reason(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? reason(error.cause) : error.message;
}
