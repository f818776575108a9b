import type { Asked, Endpoint } from '../gateway/endpoint.ts';
import { failureOf, OpenAiError } from '../gateway/errors.ts';
import type { EndedJob } from '../jobs/batch-jobs.ts';
import { lineSafe } from '../json.ts';
import type { BatchRow } from './batch.ts';

/** What became of a request, as a line of one of the batch's files. */
export interface Result {
  file: 'output' | 'errors';
  /** With its line feed. */
  text: string;
  /** The job completed with something that is no answer. */
  unusable: boolean;
}

export interface Answering {
  batch: Pick<BatchRow, 'id' | 'outcome'>;
  endpoint: Endpoint;
  line: number;
  customId: string | null;
  /** What was asked, or why that can't be served after all. */
  asked: Asked | OpenAiError;
  job: EndedJob | undefined;
}

interface Answer {
  response: { status_code: number; request_id: string; body: object } | null;
  error: { code: string; message: string } | null;
}

export function resultOf(answering: Answering): Result {
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

function answerTo({ batch, endpoint, asked, job, line }: Answering): Answer {
  const request_id = job?.job_id ?? `${batch.id}-${line}`;
  if (job?.status === 'completed') {
    if (job.erased) return { response: null, error: ERASED };
    try {
      if (asked instanceof OpenAiError) throw asked;
      return { response: { status_code: 200, request_id, body: endpoint.answer([job], asked) }, error: null };
    } catch (error) {
      return failureAnswer(error, request_id);
    }
  }
  const hasEnded = job?.status === 'failed' && job.error?.error_code !== 'JOB_EXPIRED';
  if (job && hasEnded) return failureAnswer(failureOf(job), request_id);
  if (batch.outcome === 'cancelled') return { response: null, error: CANCELLED };
  if (batch.outcome === 'expired' || job?.status === 'failed') return { response: null, error: EXPIRED };
  if (job) return failureAnswer(failureOf(job), request_id);
  return failureAnswer(asked, request_id);
}

const EXPIRED = {
  code: 'batch_expired',
  message: 'The window of the batch was over before the request was answered',
};
const CANCELLED = {
  code: 'batch_cancelled',
  message: 'The batch was cancelled before the request was answered',
};
const ERASED = { code: 'result_erased', message: 'The result was erased for its age' };

/** @throws what is no refusal */
function failureAnswer(error: unknown, request_id: string): Answer {
  if (!(error instanceof OpenAiError)) throw error;
  return { response: { status_code: error.details.status, request_id, body: error.body }, error: null };
}
