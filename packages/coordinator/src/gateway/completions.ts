import { type Completion, CompletionRequest } from '@aitbc/protocol';
import { askForText, createdAt, type Endpoint, originOf, type Started } from './endpoint.ts';
import { invalid } from './errors.ts';
import { fieldsBy } from './fields.ts';
import { textLogprobs } from './logprobs.ts';
import { usageOf, usagePieces } from './usage.ts';

const readFields = fieldsBy(CompletionRequest, [
  ...['model', 'prompt', 'stop', 'n', 'best_of', 'stream', 'stream_options', 'metadata', 'logprobs'],
]);

/** `POST /v1/completions`. */
export const completions: Endpoint = {
  read(body) {
    if ([Object(body).prompt].flat(2).some(item => typeof item === 'number')) throw TOKENS;
    const fields = readFields(body);
    const prompts = [fields.prompt].flat();
    if (prompts.includes('')) throw invalid('prompt must not be empty', 'prompt', 'invalid_value');
    const { n = 1, best_of = n, logprobs } = fields as typeof fields & { best_of?: unknown };
    if (best_of !== n) throw invalid('best_of must be n here', 'best_of', 'unsupported_value');
    return askForText(
      fields,
      prompts.map(prompt => ({ prompt })),
      {
        // Ollama's word for it: the model goes on with the prompt, where it else answers it.
        raw: true,
        ...(logprobs !== undefined && { logprobs: true, top_logprobs: logprobs }),
      },
    );
  },

  answer(jobs, asked): Completion {
    return {
      ...headOf(jobs[0]),
      choices: jobs.map((job, index) => ({
        index,
        text: job.result ?? '',
        logprobs: textLogprobs(job),
        finish_reason: job.finish_reason ?? 'stop',
      })),
      ...usageOf(jobs, asked),
      aitbc: originOf(jobs),
    };
  },

  pieces(first, asked) {
    const head = headOf(first);
    return {
      choice(index) {
        const chunk = (
          text: string,
          finish_reason: string | null = null,
          logprobs: object | null = null,
        ) => ({
          ...head,
          choices: [{ index, text, logprobs, finish_reason }],
          ...(asked.includeUsage && { usage: null }),
        });
        return {
          text: piece => chunk(piece),
          whole: job => job.result ?? '',
          end(job, rest) {
            const last = chunk(rest, job.finish_reason ?? 'stop', textLogprobs(job));
            return [{ ...last, aitbc: originOf([job]) }];
          },
        };
      },
      end: jobs => usagePieces(head, jobs, asked),
    };
  },
};

const TOKENS = invalid(
  'prompt must be a text or a list of texts: tokens are taken by /v1/embeddings only',
  'prompt',
  'unsupported_value',
);

const headOf = (job: Started) => ({
  id: `cmpl-${job.job_id}`,
  object: 'text_completion' as const,
  created: createdAt(job),
  model: job.model,
});
