import { createHash } from 'node:crypto';
import { type BatchError, LIMITS } from '@aitbc/protocol';
import { invalid, type OpenAiError } from '../gateway/errors.ts';
import type { BatchRow } from './batch.ts';
import { BEGINNING, type Line } from './lines.ts';
import { attempt, endpointOf, lineLimit, MOST_LINES, requestLines } from './reading.ts';
import { readRequest } from './requests.ts';
import { beginBatches } from './stages.ts';
import type { WorkOptions } from './work-options.ts';

type Options = Pick<WorkOptions, 'store' | 'config' | 'jobs'>;

/** Reads the whole file, which takes no more memory than a hash for each request. Begins anew where it was not done. */
export async function validate(batch: BatchRow, options: Options, signal: AbortSignal): Promise<boolean> {
  const { store } = options;
  const check = checker(batch, options);
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
  requests > LIMITS.fileRequests ? TOO_MANY : lines > MOST_LINES ? TOO_MANY_LINES : undefined;

const TOO_MANY_LINES = invalid(
  `A file has no more than ${MOST_LINES} lines, blank ones included`,
  'input_file_id',
  'too_many_lines',
);
const EMPTY = invalid('The file has no requests', 'input_file_id', 'empty_file');
const TOO_MANY = invalid(
  `A batch has no more than ${LIMITS.fileRequests} requests`,
  'input_file_id',
  'too_many_requests',
);

/** Checks one line after the other. Throws as what reads it. */
function checker(batch: BatchRow, { config, jobs }: Options): (line: Line) => void {
  const seen = new Set<string>();
  return ({ text }) => {
    if (text === undefined)
      throw invalid(`The line is longer than ${lineLimit(config)} characters`, undefined, 'line_too_long');
    const { customId, submission } = readRequest(text, batch.endpoint, endpointOf(batch));
    jobs.prepare(submission);
    // Not the text itself, which keeps all of its part in memory.
    const digest = createHash('sha256').update(customId).digest('base64');
    if (seen.has(digest))
      throw invalid(`The custom_id ${customId} was used before`, 'custom_id', 'duplicate_custom_id');
    seen.add(digest);
  };
}

const batchError = ({ message, details }: OpenAiError, line: number | null): BatchError => ({
  code: details.code ?? 'invalid_value',
  message,
  param: details.param ?? null,
  line,
});
