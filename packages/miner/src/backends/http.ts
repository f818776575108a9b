import { BackendError } from '../backend.ts';

/** An inference server. */
export interface Server {
  /** For messages: `Ollama`. */
  kind: string;
  /** Without a slash at its end. */
  url: string;
  /** Sent as a bearer token. */
  key?: string | undefined;
}

/** An answer other than success, with what the server said about it. */
export class ServerRefusal extends BackendError {
  override name = 'ServerRefusal';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message, {
      failureClass: isPassing(status) || isDown(status) ? 'broken' : 'refused',
      down: isDown(status),
    });
    this.status = status;
  }
}

interface Request {
  body?: unknown;
  signal?: AbortSignal | undefined;
}

/**
 * Sends a request: a POST when there is a body.
 *
 * @throws {BackendError} `down` when there is no answer
 * @throws {ServerRefusal} for an answer that is no success
 */
export async function send(server: Server, path: string, { body, signal }: Request): Promise<Response> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (server.key) headers.authorization = `Bearer ${server.key}`;
  if (body !== undefined) headers['content-type'] = 'application/json';
  const response = await guard(server, signal, () =>
    fetch(server.url + path, {
      headers,
      ...(signal && { signal }),
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    }),
  );
  if (response.ok) return response;
  const text = await guard(server, signal, () => response.text());
  throw new ServerRefusal(
    response.status,
    `${server.kind}: ${errorInText(text) ?? `HTTP ${response.status}`}`,
  );
}

/** The body of an answer. */
export async function readJson(
  server: Server,
  response: Response,
  signal?: AbortSignal,
): Promise<Record<string, unknown>> {
  const text = await guard(server, signal, () => response.text());
  return parseObject(server, text);
}

/** Lines of a streamed answer, without those that are empty. */
export async function* readLines(
  server: Server,
  response: Response,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) return;
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await guard(server, signal, () => reader.read());
      const lines = (rest + (value ?? '')).split(/\r?\n/);
      rest = done ? '' : (lines.pop() ?? '');
      yield* lines.filter(line => line !== '');
      if (done) return;
    }
  } finally {
    // Hangs up on a server that would otherwise go on generating for nobody.
    await reader.cancel().catch(() => {});
  }
}

/** What a line or body says. */
export function parseObject(server: Server, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {}
  throw new BackendError(`${server.kind} at ${server.url} answered something other than JSON: is it one?`);
}

/** The message in an error: `{error: "…"}`, `{error: {message}}`, `{message}` and `{detail}` are in use. */
export function errorIn(body: unknown): string | null {
  const { error, message, detail } = Object(body);
  return [error, error?.message, message, detail].find(value => typeof value === 'string') ?? null;
}

function errorInText(text: string): string | null {
  try {
    return errorIn(JSON.parse(text));
  } catch {
    return text.trim().slice(0, 500) || null;
  }
}

/** A URL as someone typed it. */
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

/** Too busy, still loading, or broken: not the job's fault. */
const isPassing = (status: number) => status >= 500 || status === 408 || status === 429;

/** No job would fare better now: the key is refused, the model is gone, it still loads, or a proxy misses it. */
const isDown = (status: number) => [401, 403, 404, 502, 503, 504].includes(status);

function reason(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reason(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? reason(error.cause) : error.message;
}
