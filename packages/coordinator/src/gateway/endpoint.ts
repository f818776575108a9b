import type { Job, SubmitJob } from '@aitbc/protocol';
import { paramsOf } from './fields.ts';

/*
 * What an endpoint of OpenAI's API makes of requests, and of the jobs that answer them. Pure: it knows no HTTP and no
 * store, so that whatever runs the jobs can use it.
 */

export interface Asked {
  submission: SubmitJob;
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
  'job_id' | 'model' | 'created_at' | 'result' | 'result_type' | 'finish_reason' | 'usage' | 'receipt_id'
>;

/** Bodies of the events of an answer in pieces. */
export interface Pieces {
  text(piece: string): object;
  /** The text of an answer, as a whole. */
  whole(job: Answered): string;
  /** What follows when all but the `rest` of the text has been told. */
  end(job: Answered, rest: string): object[];
}

export interface Endpoint {
  /**
   * The job that a request's body asks for.
   *
   * @throws {OpenAiError} where it is not understood, or asks for what is not served
   */
  read(body: unknown): Asked;
  /**
   * The body of the answer.
   *
   * @throws {OpenAiError} where the miner's result is none
   */
  answer(job: Answered, asked: Asked): object;
  /** Absent where it answers in one piece only. */
  pieces?(job: Pick<Job, 'job_id' | 'model' | 'created_at'>, asked: Asked): Pieces;
}

/** Fields that requests for a text share, whatever it is about. */
interface TextFields {
  model: string;
  stream?: boolean;
  stream_options?: { include_usage?: boolean };
  metadata?: Record<string, string>;
}

/** What is asked by a request for a text about `content`. */
export function askForText(
  fields: TextFields,
  content: Pick<SubmitJob, 'prompt' | 'messages' | 'tools' | 'tool_choice' | 'response_format'>,
): Asked {
  const { model, metadata } = fields;
  const stream = fields.stream === true;
  return {
    submission: {
      model,
      ...content,
      params: paramsOf({ ...fields }),
      ...(metadata && { metadata }),
      ...(stream && { stream }),
    },
    stream,
    includeUsage: fields.stream_options?.include_usage === true,
    encoding: 'float',
  };
}

/** Unix seconds. */
export const createdAt = ({ created_at }: Pick<Job, 'created_at'>) =>
  Math.floor(Date.parse(created_at) / 1000);

export const originOf = ({ job_id, receipt_id }: Pick<Job, 'job_id' | 'receipt_id'>) => ({
  job_id,
  receipt_id,
});

/** Absent where the miner has not counted. */
export function usageOf({ usage }: Pick<Job, 'usage'>) {
  if (!usage) return {};
  const { prompt_tokens = 0, completion_tokens = 0 } = usage;
  return { usage: { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens } };
}

/** The piece that ends with the usage, where that is wanted and known. */
export function usagePieces(head: object, job: Pick<Job, 'usage'>, { includeUsage }: Asked): object[] {
  const usage = usageOf(job);
  return includeUsage && 'usage' in usage ? [{ ...head, choices: [], ...usage }] : [];
}
