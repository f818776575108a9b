import { type Completion, CompletionRequest, type SubmitJob } from '@aitbc/protocol';
import { type Answered, createdAt, type Endpoint, originOf, usageOf } from './endpoint.ts';
import { invalid } from './errors.ts';
import { fieldsBy, paramsOf } from './fields.ts';

const readFields = fieldsBy(CompletionRequest, [
  ...['model', 'prompt', 'stop', 'stream', 'stream_options', 'metadata'],
]);

/** `POST /v1/completions`. */
export const completions: Endpoint = {
  read(body) {
    const fields = readFields(body);
    const { model, metadata } = fields;
    const prompt = [fields.prompt].flat().join('');
    if (prompt === '') throw invalid('prompt must not be empty', 'prompt', 'invalid_value');
    const stream = fields.stream === true;
    const submission: SubmitJob = {
      model,
      prompt,
      params: paramsOf(fields),
      ...(metadata && { metadata }),
      ...(stream && { stream }),
    };
    return {
      submission,
      stream,
      includeUsage: fields.stream_options?.include_usage === true,
      encoding: 'float',
    };
  },

  answer(job): Completion {
    return {
      ...headOf(job),
      choices: [
        { index: 0, text: job.result ?? '', logprobs: null, finish_reason: job.finish_reason ?? 'stop' },
      ],
      ...usageOf(job),
      aitbc: originOf(job),
    };
  },

  pieces(started, { includeUsage }) {
    const head = headOf(started);
    const chunk = (text: string, finish_reason: string | null = null) => ({
      ...head,
      choices: [{ index: 0, text, logprobs: null, finish_reason }],
      ...(includeUsage && { usage: null }),
    });
    return {
      text: piece => chunk(piece),
      whole: job => job.result ?? '',
      end(job, rest) {
        const usage = includeUsage ? usageOf(job) : {};
        const last = chunk(rest, job.finish_reason ?? 'stop');
        return [
          { ...last, aitbc: originOf(job) },
          ...('usage' in usage ? [{ ...head, choices: [], ...usage }] : []),
        ];
      },
    };
  },
};

const headOf = (job: Pick<Answered, 'job_id' | 'model' | 'created_at'>) => ({
  id: `cmpl-${job.job_id}`,
  object: 'text_completion' as const,
  created: createdAt(job),
  model: job.model,
});
