import { PART_LENGTH } from '../files/split-parts.ts';
import type { Endpoint, ModelRequest } from '../gateway/endpoint.ts';
import { httpStatusOf } from '../gateway/error-status.ts';
import { jobFailure, OpenAiError } from '../gateway/errors.ts';
import { type EndedJob, readBatchJobs } from '../jobs/batch-jobs.ts';
import { lineSafe } from '../json.ts';
import { type BatchRow, placeOf } from './batch.ts';
import type { WorkOptions } from './input-file.ts';
import { attempt, endpointOf, type Line, readRequest, requestLines } from './input-file.ts';

type Options = Pick<WorkOptions, 'store' | 'config' | 'ids' | 'operations'>;

/** The most requests, and characters of them, that are in memory at once with their results. */
const AT_ONCE = 32;
const CHARACTERS_AT_ONCE = 16 * 1024 * 1024;
/** The most requests of one transaction. */
const MAX_REQUESTS = 512;

/** Writes the results of the next requests, in the order of the file, until there is enough for one part of a file. */
export async function writePage(batch: BatchRow, options: Options): Promise<boolean> {
  const { store, ids, operations } = options;
  const page = { output: '', errors: '', missing: 0, unusable: 0 };
  const from = placeOf(batch);
  let to = from;
  let count = 0;
  let isLast = true;
  for await (const lines of groups(requestLines(batch, options, from))) {
    const jobs = await jobsOf(batch, lines, options);
    for (const line of lines) {
      const job = jobs.get(line.number);
      const { file, text, unusable } = resultOfLine(batch, line, job);
      page[file] += text;
      if (unusable) page.unusable++;
      if (!job) page.missing++;
      to = line.end;
    }
    count += lines.length;
    isLast = page.output.length + page.errors.length < PART_LENGTH && count < MAX_REQUESTS;
    if (!isLast) break;
  }
  const outcome = await store.write(operations.writePages, {
    batchId: batch.id,
    ...{ from, to, isLast, missing: page.missing, unusable: page.unusable },
    output: { fileId: ids.next('file'), text: page.output },
    errors: { fileId: ids.next('file'), text: page.errors },
  });
  return !outcome.ok || !isLast;
}

async function jobsOf(
  { id }: BatchRow,
  lines: readonly Line[],
  { store }: Options,
): Promise<Map<number, EndedJob>> {
  const [first, last] = [lines[0], lines.at(-1)];
  if (!first || !last) return new Map();
  return await readBatchJobs(store, id, first.number, last.number);
}

function resultOfLine(batch: BatchRow, { text = '', number }: Line, job: EndedJob | undefined): ResultLine {
  const endpoint = endpointOf(batch);
  const parsed = attempt(() => readRequest(text, batch.endpoint, endpoint));
  const isInvalid = parsed instanceof OpenAiError;
  return resultOf({
    ...{ batch, endpoint, line: number, job },
    customId: isInvalid ? null : parsed.customId,
    request: isInvalid ? parsed : parsed.request,
  });
}

async function* groups(lines: AsyncIterable<Line>): AsyncGenerator<Line[]> {
  let group: Line[] = [];
  let characters = 0;
  for await (const line of lines) {
    group.push(line);
    characters += line.text?.length ?? 0;
    if (group.length < AT_ONCE && characters < CHARACTERS_AT_ONCE) continue;
    yield group;
    group = [];
    characters = 0;
  }
  if (group.length > 0) yield group;
}

/** The result of a request, as a line of one of the batch's files. */
interface ResultLine {
  file: 'output' | 'errors';
  /** The line with its line feed. */
  text: string;
  /** Whether the job completed with a result that is no answer. */
  unusable: boolean;
}

interface Answering {
  batch: Pick<BatchRow, 'id' | 'outcome'>;
  endpoint: Endpoint;
  line: number;
  customId: string | null;
  /** The request, or why it turned out to be unsupported. */
  request: ModelRequest | OpenAiError;
  job: EndedJob | undefined;
}

interface Answer {
  response: { status_code: number; request_id: string; body: object } | null;
  error: { code: string; message: string } | null;
}

function resultOf(answering: Answering): ResultLine {
  const { batch, line, customId, job } = answering;
  const { response, error } = answerTo(answering);
  const isAnswer = response?.status_code === 200;
  const id = `batch_req_${batch.id.slice('batch_'.length)}_${line}`;
  return {
    file: isAnswer ? 'output' : 'errors',
    text: `${lineSafe(JSON.stringify({ id, custom_id: customId, response, error }))}\n`,
    unusable: !isAnswer && job?.status === 'completed',
  };
}

function answerTo({ batch, endpoint, request, job, line }: Answering): Answer {
  const request_id = job?.job_id ?? `${batch.id}-${line}`;
  if (job?.status === 'completed') {
    if (job.erased) return { response: null, error: ERASED };
    try {
      if (request instanceof OpenAiError) throw request;
      return {
        response: { status_code: 200, request_id, body: endpoint.answer([job], request) },
        error: null,
      };
    } catch (error) {
      return failureAnswer(error, request_id);
    }
  }
  const hasEnded = job?.status === 'failed' && job.error?.error_code !== 'JOB_EXPIRED';
  if (job && hasEnded) return failureAnswer(jobFailure(job), request_id);
  if (batch.outcome === 'cancelled') return { response: null, error: CANCELLED };
  if (batch.outcome === 'expired' || job?.status === 'failed') return { response: null, error: EXPIRED };
  if (job) return failureAnswer(jobFailure(job), request_id);
  return failureAnswer(request, request_id);
}

const EXPIRED = {
  code: 'batch_expired',
  message: 'The window of the batch was over before the request was answered',
};
const CANCELLED = {
  code: 'batch_cancelled',
  message: 'The batch was cancelled before the request was answered',
};
const ERASED = { code: 'result_erased', message: 'The result was erased because of its age' };

/** @throws unexpected errors */
function failureAnswer(error: unknown, request_id: string): Answer {
  if (!(error instanceof OpenAiError)) throw error;
  return {
    response: { status_code: httpStatusOf(error.details), request_id, body: error.body },
    error: null,
  };
}
