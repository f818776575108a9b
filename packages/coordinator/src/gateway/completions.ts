import { type Completion, CompletionRequest } from '@aitbc/protocol';
import {
  type Answered,
  askForText,
  createdAt,
  type Endpoint,
  originOf,
  usageOf,
  usagePieces,
} from './endpoint.ts';
import { invalid } from './errors.ts';
import { fieldsBy } from './fields.ts';

const readFields = fieldsBy(CompletionRequest, [
  ...['model', 'prompt', 'stop', 'stream', 'stream_options', 'metadata'],
]);

/** `POST /v1/completions`. */
export const completions: Endpoint = {
  read(body) {
    const fields = readFields(body);
    const prompt = [fields.prompt].flat().join('');
    if (prompt === '') throw invalid('prompt must not be empty', 'prompt', 'invalid_value');
    const asked = askForText(fields, { prompt });
    // Ollama's word for it: the model goes on with the prompt, where it else answers it.
    const params = { ...asked.submission.params, raw: true };
    return { ...asked, submission: { ...asked.submission, params } };
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

  pieces(started, asked) {
    const head = headOf(started);
    const chunk = (text: string, finish_reason: string | null = null) => ({
      ...head,
      choices: [{ index: 0, text, logprobs: null, finish_reason }],
      ...(asked.includeUsage && { usage: null }),
    });
    return {
      text: piece => chunk(piece),
      whole: job => job.result ?? '',
      end(job, rest) {
        const last = chunk(rest, job.finish_reason ?? 'stop');
        return [{ ...last, aitbc: originOf(job) }, ...usagePieces(head, job, asked)];
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
