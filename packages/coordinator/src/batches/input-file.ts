import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { type BatchError, LIMITS, type SubmitJob } from '@aitbc/protocol';
import { findSubmitter } from '../accounts/key-rights.ts';
import { RequestError } from '../errors.ts';
import { readPart } from '../files/files.ts';
import type { FileConfig } from '../files/options.ts';
import type { Endpoint, ModelRequest } from '../gateway/endpoint.ts';
import { ENDPOINTS, type EndpointPath } from '../gateway/endpoint-paths.ts';
import { invalidRequest, OpenAiError, openAiErrorFor } from '../gateway/errors.ts';
import type { Ids } from '../ids.ts';
import type { JobRow } from '../jobs/job.ts';
import type { CancelInput } from '../jobs/leases/cancel.ts';
import type { Elapsed } from '../jobs/maintenance/elapsed-time.ts';
import type { ClientJobs } from '../jobs/submitting/client-jobs.ts';
import type { SubmissionConfig } from '../jobs/submitting/options.ts';
import { parseJson } from '../json.ts';
import type { Limits } from '../limits/limits.ts';
import type { ServerConfig } from '../server-options.ts';
import type { Operation } from '../store/operation.ts';
import type { Store } from '../store/store.ts';
import type { BatchRow } from './batch.ts';
import { BEGINNING, type Place } from './batch.ts';
import type { SubmitPageInput, WritePageInput } from './page-operations.ts';
import { beginBatches } from './stages.ts';

/** What the steps of batches need. */
export interface WorkOptions {
  config: ServerConfig & SubmissionConfig & FileConfig;
  store: Store;
  ids: Ids;
  now: () => number;
  jobs: Pick<ClientJobs, 'prepare'>;
  limits: Pick<Limits, 'canSubmitBatch' | 'quotaOf'>;
  operations: {
    keepTime: Operation<undefined, Elapsed>;
    cancelJobs: Operation<CancelInput, JobRow>;
    submitPages: Operation<SubmitPageInput, undefined>;
    writePages: Operation<WritePageInput, undefined>;
  };
}

/** The options that limit the length of a request. */
type LineLimits = Pick<ServerConfig, 'bodyLimit'> & Pick<SubmissionConfig, 'mediaLimit'>;

/** The most lines of a file, including blank lines. */
const MAX_LINES = 4 * LIMITS.fileRequests;

/** How long a file is processed before other work gets a turn. */
const SLICE_MS = 5;

/**
 * Yields the lines of a batch's file that are not blank, from a position on. After the last line that a file may have,
 * it yields one more line and ends. Other work gets turns in between.
 */
export async function* requestLines(
  { input_file_id }: BatchRow,
  { store, config }: { store: Store; config: LineLimits },
  from: Place,
): AsyncGenerator<Line> {
  async function partAt(index: number) {
    // Reads may resolve at once, so a long file would otherwise block all other work.
    await setImmediate();
    return await readPart(store, input_file_id, index);
  }
  let sliceEndsAt = performance.now() + SLICE_MS;
  for await (const line of linesOf(partAt, from, lineLimit(config))) {
    if (line.number > MAX_LINES || line.text?.trim() !== '') yield line;
    if (line.number > MAX_LINES) return;
    if (performance.now() < sliceEndsAt) continue;
    await setImmediate();
    sliceEndsAt = performance.now() + SLICE_MS;
  }
}

/** Returns the length limit of a batch's request, in characters. It is the limit of a single request. */
const lineLimit = ({ bodyLimit, mediaLimit }: LineLimits) => bodyLimit + mediaLimit;

export const endpointOf = ({ endpoint }: BatchRow) => ENDPOINTS[endpoint as EndpointPath];

/** Returns what `read` returns, or its error in OpenAI's format. Throws unexpected errors. */
export function attempt<Value>(read: () => Value): Value | OpenAiError {
  try {
    return read();
  } catch (error) {
    if (error instanceof OpenAiError) return error;
    if (error instanceof RequestError) return openAiErrorFor(error.info);
    throw error;
  }
}

export interface Line {
  number: number;
  /** The line without its line feed, or undefined if it is too long. */
  text: string | undefined;
  /** The position after the line. */
  end: Place;
}

/**
 * Yields the lines of a file from a position on, with at most one part and one line in memory.
 *
 * @param partAt returns the text of a part, or undefined after the last one
 * @param limit the length limit of a line, in characters
 */
async function* linesOf(
  partAt: (index: number) => Promise<string | undefined>,
  from: Place,
  limit: number,
): AsyncGenerator<Line> {
  let { part, position, line: number } = from;
  let begun = '';
  let isTooLong = false;
  const take = (text: string) => {
    isTooLong ||= begun.length + text.length > limit;
    begun = isTooLong ? '' : begun + text;
  };
  const lineTo = (end: Place): Line => {
    const line = { number, text: isTooLong ? undefined : begun, end };
    number = end.line;
    begun = '';
    isTooLong = false;
    return line;
  };
  let text = await partAt(part);
  while (text !== undefined) {
    const end = text.indexOf('\n', position);
    if (end >= 0) {
      take(text.slice(position, end));
      position = end + 1;
      yield lineTo({ part, position, line: number + 1 });
      continue;
    }
    take(text.slice(position));
    part++;
    position = 0;
    text = await partAt(part);
  }
  if (begun !== '' || isTooLong) yield lineTo({ part, position, line: number + 1 });
}

/** A request of a batch. */
export interface InputLine {
  customId: string;
  request: ModelRequest;
  submission: SubmitJob;
}

const FIELDS = ['custom_id', 'method', 'url', 'body'];

/**
 * Reads a line of a batch's file.
 *
 * @param path the endpoint's path, which every request must have
 * @throws {OpenAiError} if the request is invalid or unsupported
 */
export function readRequest(text: string, path: string, endpoint: Endpoint): InputLine {
  const fields = fieldsOf(text);
  const unknown = Object.keys(fields).find(name => !FIELDS.includes(name));
  if (unknown !== undefined) throw invalidRequest(`${unknown} is not known`, unknown, 'unknown_parameter');
  const { custom_id: customId, method, url, body } = fields;
  if (typeof customId !== 'string' || customId === '' || customId.length > LIMITS.customIdLength) {
    const detail = `custom_id must be a text of 1 to ${LIMITS.customIdLength} characters`;
    throw invalidRequest(detail, 'custom_id', 'invalid_value');
  }
  if (method !== 'POST') throw invalidRequest('method must be POST', 'method', 'invalid_value');
  if (url !== path) throw invalidRequest(`url must be ${path}, as the batch says`, 'url', 'mismatched_url');
  const request = endpoint.read(body);
  const [submission, other] = request.submissions;
  if (!submission || other)
    throw invalidRequest(
      'A request of a batch has one choice',
      request.n > 1 ? 'body.n' : 'body.prompt',
      'unsupported_value',
    );
  if (request.stream)
    throw invalidRequest('Answers to a batch are not streamed', 'body.stream', 'unsupported_value');
  return { customId, request, submission };
}

function fieldsOf(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    throw invalidRequest(`The line is no JSON: ${(error as Error).message}`, undefined, 'invalid_json_line');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw invalidRequest('The line is no JSON object', undefined, 'invalid_json_line');
}

type Options = Pick<WorkOptions, 'store' | 'config' | 'jobs'>;

/** Validates the whole file, with a hash per request in memory. If it is interrupted, it starts again. */
export async function validate(batch: BatchRow, options: Options, signal: AbortSignal): Promise<boolean> {
  const { store } = options;
  const { allowedModels } = await findSubmitter(store.read, batch.key_id);
  const check = checker(batch, allowedModels, options);
  const errors: BatchError[] = [];
  let total = 0;
  for await (const line of requestLines(batch, options, BEGINNING)) {
    if (signal.aborted) return false;
    total++;
    const error = tooMany(total, line.number) ?? attempt(() => check(line));
    if (error) errors.push(batchError(error, line.number));
    if (tooMany(total, line.number) || errors.length === LIMITS.batchErrors) break;
  }
  if (total === 0) errors.push(batchError(EMPTY, null));
  return (await store.write(beginBatches, { batchId: batch.id, total, errors })).ok;
}

const tooMany = (requests: number, lines: number) =>
  requests > LIMITS.fileRequests ? TOO_MANY : lines > MAX_LINES ? TOO_MANY_LINES : undefined;

const TOO_MANY_LINES = invalidRequest(
  `A file has no more than ${MAX_LINES} lines, blank ones included`,
  'input_file_id',
  'too_many_lines',
);
const EMPTY = invalidRequest('The file has no requests', 'input_file_id', 'empty_file');
const TOO_MANY = invalidRequest(
  `A batch has no more than ${LIMITS.fileRequests} requests`,
  'input_file_id',
  'too_many_requests',
);

/** Returns a function that checks one line after the other. It throws what reading a request throws. */
function checker(
  batch: BatchRow,
  allowedModels: readonly string[] | undefined,
  { config, jobs }: Options,
): (line: Line) => void {
  const seen = new Set<string>();
  return ({ text }) => {
    if (text === undefined)
      throw invalidRequest(
        `The line is longer than ${lineLimit(config)} characters`,
        undefined,
        'line_too_long',
      );
    const { customId, submission } = readRequest(text, batch.endpoint, endpointOf(batch));
    jobs.prepare(submission, batch.account_id, allowedModels);
    // The hash is stored because a part of the text would keep the whole file part in memory.
    const digest = createHash('sha256').update(customId).digest('base64');
    if (seen.has(digest))
      throw invalidRequest(`The custom_id ${customId} was used before`, 'custom_id', 'duplicate_custom_id');
    seen.add(digest);
  };
}

const batchError = ({ message, details }: OpenAiError, line: number | null): BatchError => ({
  code: details.code ?? 'invalid_value',
  message,
  param: details.param ?? null,
  line,
});
