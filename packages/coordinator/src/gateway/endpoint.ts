import { type AnswerDetails, type Job, LIMITS, type SubmitJob } from '@aitbc/protocol';
import { paramsOf } from './fields.ts';

/*
 * What an endpoint of OpenAI's API makes of requests, and of the jobs that answer them. Pure: it knows no HTTP and no
 * store, so that whatever runs the jobs can use it.
 */

export interface Asked {
  /** A job for each choice of the answer: those of the first prompt, then those of the next one. */
  submissions: readonly SubmitJob[];
  /** Choices of each prompt. */
  n: number;
  /** The answer is wanted in pieces. */
  stream: boolean;
  /** The pieces end with the usage. */
  includeUsage: boolean;
  /** Embeddings are wanted so. */
  encoding: 'float' | 'base64';
}

/** A job that has answered. */
export type Answered = Pick<
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

/** Jobs that answer a request, one for each choice. */
export type AnsweredAll = readonly [Answered, ...Answered[]];

export type Started = Pick<Job, 'job_id' | 'model' | 'created_at'>;

/** Bodies of the events of an answer in pieces, of one of its choices. */
export interface ChoicePieces {
  text(piece: string): object;
  /** Absent where an answer has no place for what the model thinks before it. */
  reasoning?(piece: string): object;
  /** The text of an answer, as a whole. */
  whole(job: Answered): string;
  /** What follows when all but the `rest` of the text has been told. */
  end(job: Answered, rest: string): object[];
}

export interface Pieces {
  choice(index: number): ChoicePieces;
  /** What follows when all choices have been told. */
  end(jobs: readonly Answered[]): object[];
}

export interface Endpoint {
  /**
   * The jobs that a request's body asks for.
   *
   * @throws {OpenAiError} where it is not understood, or asks for what is not served
   */
  read(body: unknown): Asked;
  /**
   * The body of the answer.
   *
   * @throws {OpenAiError} where the miner's result is none
   */
  answer(jobs: AnsweredAll, asked: Asked): object;
  /** Absent where it answers in one piece only. */
  pieces?(first: Started, asked: Asked): Pieces;
}

/** Fields that requests for a text share, whatever it is about. */
interface TextFields {
  model: string;
  n?: number;
  stream?: boolean;
  stream_options?: { include_usage?: boolean };
  metadata?: Record<string, string>;
}

type Content = Pick<SubmitJob, 'prompt' | 'messages' | 'tools' | 'tool_choice' | 'response_format'>;

/** What is asked by a request for texts about `contents`, with these parameters besides those among its fields. */
export function askForText(fields: TextFields, contents: readonly Content[], more: object): Asked {
  const { model, metadata, n = 1 } = fields;
  const stream = fields.stream === true;
  const params = { ...paramsOf({ ...fields }), ...more };
  const submit = (content: Content, choice: number): SubmitJob => ({
    model,
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

/** The same seed would give the same text as often as there are choices. */
function seedOf({ seed }: { seed?: number }, choice: number): { seed?: number } {
  if (seed === undefined) return {};
  return { seed: seed <= Number.MAX_SAFE_INTEGER - LIMITS.choices ? seed + choice : seed - choice };
}

/** Unix seconds. */
export const createdAt = ({ created_at }: Pick<Job, 'created_at'>) =>
  Math.floor(Date.parse(created_at) / 1000);

const namesOf = ({ job_id, receipt_id }: Pick<Job, 'job_id' | 'receipt_id'>) => ({ job_id, receipt_id });

/** Of the jobs of an answer, or of one of its choices. */
export function originOf(jobs: AnsweredAll) {
  return { ...namesOf(jobs[0]), ...(jobs.length > 1 && { jobs: jobs.map(namesOf) }) };
}
