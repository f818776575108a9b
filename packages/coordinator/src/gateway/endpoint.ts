import { type AnswerDetails, type Job, LIMITS, type SubmitJob } from '@aitbc/protocol';
import { invalidRequest } from './errors.ts';
import { jobParamsOf } from './fields.ts';

/*
 * An endpoint of OpenAI's API turns a request body into jobs, and completed jobs into an answer. Endpoints know neither
 * HTTP nor the store, so that batches can use them too.
 */

export interface ModelRequest {
  /** One job for each choice of the answer: those of the first prompt, then those of the next one. */
  submissions: readonly SubmitJob[];
  /** The number of choices for each prompt. */
  n: number;
  /** Whether the client wants the answer as a stream of events. */
  stream: boolean;
  /** Whether the stream ends with an event that has the token usage. */
  includeUsage: boolean;
  /** The format in which the client wants embeddings. */
  encoding: 'float' | 'base64';
}

/** The fields of a completed job that answers are built from. */
export type AnsweredJob = Pick<
  Job,
  | keyof AnswerDetails
  | 'job_id'
  | 'model'
  | 'created_at'
  | 'result'
  | 'result_type'
  | 'finish_reason'
  | 'usage'
  | 'receipt_id'
>;

/** The jobs that answer a request: one for each choice. */
export type AnsweredJobs = readonly [AnsweredJob, ...AnsweredJob[]];

export type StartedJob = Pick<Job, 'job_id' | 'model' | 'created_at'>;

/** Builds the bodies of the stream events of one choice. */
export interface ChoicePieces {
  text(piece: string): object;
  /** Absent if the endpoint's format has no place for reasoning. */
  reasoning?(piece: string): object;
  /** Returns the complete text of the answer. */
  fullText(job: AnsweredJob): string;
  /** Returns the last events of the choice. `rest` is the text that no earlier event has sent. */
  end(job: AnsweredJob, rest: string): object[];
}

export interface Pieces {
  choice(index: number): ChoicePieces;
  /** Returns the events that follow when all choices are complete. */
  end(jobs: readonly AnsweredJob[]): object[];
}

export interface Endpoint {
  /**
   * Reads a request body.
   *
   * @throws {OpenAiError} if the body is invalid or asks for something unsupported
   */
  read(body: unknown): ModelRequest;
  /**
   * Builds the body of an answer that is not streamed.
   *
   * @throws {OpenAiError} if the miner's result has the wrong format
   */
  answer(jobs: AnsweredJobs, request: ModelRequest): object;
  /** Absent if the endpoint cannot stream. */
  pieces?(first: StartedJob, request: ModelRequest): Pieces;
}

/** The fields that chat and text completion requests have in common. */
interface TextFields {
  model?: string;
  models?: string[];
  n?: number;
  stream?: boolean;
  stream_options?: { include_usage?: boolean };
  metadata?: Record<string, string>;
}

type JobContent = Pick<SubmitJob, 'prompt' | 'messages' | 'tools' | 'tool_choice' | 'response_format'>;

/**
 * Builds a request for `n` texts for each of `contents`. `extraParams` are added to the job parameters among the
 * fields.
 */
export function requestTexts(
  fields: TextFields,
  contents: readonly JobContent[],
  extraParams: object,
): ModelRequest {
  const { model, models, metadata, n = 1 } = fields;
  if (model === undefined && models === undefined) throw NO_MODEL;
  const stream = fields.stream === true;
  const params = { ...jobParamsOf({ ...fields }), ...extraParams };
  const submit = (content: JobContent, choice: number): SubmitJob => ({
    ...(model !== undefined && { model }),
    ...(models && { models }),
    ...content,
    params: { ...params, ...seedOf(params, choice) },
    ...(metadata && { metadata }),
    ...(stream && { stream }),
  });
  return {
    submissions: contents.flatMap(content => Array.from({ length: n }, (_, at) => submit(content, at))),
    n,
    stream,
    includeUsage: fields.stream_options?.include_usage === true,
    encoding: 'float',
  };
}

const NO_MODEL = invalidRequest('model is missing', 'model', 'missing_required_parameter');

/** Gives each choice a seed of its own: with one seed all choices would be the same text. */
function seedOf({ seed }: { seed?: number }, choice: number): { seed?: number } {
  if (seed === undefined) return {};
  return { seed: seed <= Number.MAX_SAFE_INTEGER - LIMITS.choices ? seed + choice : seed - choice };
}

/** Returns when the job was created, in Unix seconds. */
export const createdAtSeconds = ({ created_at }: Pick<Job, 'created_at'>) =>
  Math.floor(Date.parse(created_at) / 1000);

const idsOf = ({ job_id, receipt_id }: Pick<Job, 'job_id' | 'receipt_id'>) => ({ job_id, receipt_id });

/** Returns the ids of an answer's jobs and receipts. The answer's `aitbc` field has them. */
export function jobReferences(jobs: AnsweredJobs) {
  return { ...idsOf(jobs[0]), ...(jobs.length > 1 && { jobs: jobs.map(idsOf) }) };
}
