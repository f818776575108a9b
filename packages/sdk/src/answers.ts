import type { OpenAiProblem } from '@aitbc/protocol';
import { parseOwn } from '@aitbc/protocol/own-json';
import { CoordinatorError, type StatedProblem } from './errors.ts';
import { parseRetryAfter } from './retry.ts';
import { errorOfStatus } from './status-errors.ts';

/** How an answer is read. */
export interface Reading {
  /** Default `json`. With `response`, the answer is returned with its body unread. */
  as?: 'json' | 'text' | 'bytes' | 'response';
  /** An answer with more bytes is an error, and is not read to its end. */
  maxBytes?: number;
}

const utf8 = new TextDecoder();

/** @throws {CoordinatorError} for any unsuccessful answer */
export async function readAnswer<T>(response: Response, reading: Reading, now: () => number): Promise<T> {
  const { as = 'json', maxBytes } = reading;
  if (response.ok && as === 'response') return response as T;
  const bytes = await readBytes(response, maxBytes);
  if (response.ok && as === 'bytes') return bytes as T;
  const text = utf8.decode(bytes);
  if (response.ok && as === 'text') return text as T;
  const json = parseJson(text);
  if (response.ok && (json !== undefined || response.status === 204)) return json as T;
  throw problem(response, json, now());
}

async function readBytes(response: Response, maxBytes: number | undefined): Promise<Uint8Array> {
  if (maxBytes === undefined || !response.body) return new Uint8Array(await response.arrayBuffer());
  const reader = response.body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    chunks.push(next.value);
    length += next.value.length;
    if (length <= maxBytes) continue;
    reader.cancel().catch(() => {});
    throw new CoordinatorError(response.status, { detail: `The answer has more than ${maxBytes} bytes` });
  }
  return join(chunks, length);
}

function join(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

function problem(response: Response, json: unknown, now: number): CoordinatorError {
  const stated = statedProblem(response, json);
  const retryAfter = parseRetryAfter(response.headers.get('retry-after'), now);
  return errorOfStatus(response.status, {
    ...(retryAfter === undefined ? {} : { retry_after: retryAfter }),
    ...stated,
    detail: stated.detail ?? describe(response),
  });
}

/**
 * Returns the problem in an answer. RFC 9457 has it at the top level, the routes of OpenAI's API below
 * `error`.
 */
function statedProblem(response: Response, json: unknown): StatedProblem {
  if (typeof json !== 'object' || json === null) return {};
  const { error } = json as Partial<OpenAiProblem>;
  if (typeof error !== 'object' || error === null) return json;
  const requestId = response.headers.get('x-request-id');
  return {
    ...(error.message ? { detail: error.message } : {}),
    ...(error.code ? { error_code: error.code } : {}),
    ...(error.param ? { field: error.param } : {}),
    ...(requestId ? { request_id: requestId } : {}),
  };
}

function describe(response: Response): string {
  if (response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)) {
    const target = response.headers.get('location') ?? 'another address';
    return `The coordinator's URL redirects to ${target}. Use that address`;
  }
  if (response.ok) return 'The answer is not JSON. Is this the URL of a coordinator?';
  return `HTTP ${response.status} ${response.statusText}`.trim();
}

function parseJson(text: string): unknown {
  try {
    // The schemas of a job must reach the engine as their author wrote them.
    return parseOwn(text);
  } catch {
    return undefined;
  }
}
