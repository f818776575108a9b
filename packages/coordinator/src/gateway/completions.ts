import { type Completion, CompletionRequest } from '@aitbc/protocol';
import { createdAtSeconds, type Endpoint, jobReferences, requestTexts, type StartedJob } from './endpoint.ts';
import { invalidRequest } from './errors.ts';
import { createFieldReader } from './fields.ts';
import { textLogprobs } from './logprobs.ts';
import { usageEvents, usageOf } from './usage.ts';

const readFields = createFieldReader(CompletionRequest, [
  ...[
    'model',
    'models',
    'prompt',
    'stop',
    'n',
    'best_of',
    'stream',
    'stream_options',
    'metadata',
    'logprobs',
  ],
]);

export const completions: Endpoint = {
  read(body) {
    if ([Object(body).prompt].flat(2).some(item => typeof item === 'number')) throw TOKENS;
    const fields = readFields(body);
    const prompts = [fields.prompt].flat();
    if (prompts.includes('')) throw invalidRequest('prompt must not be empty', 'prompt', 'invalid_value');
    const { n = 1, best_of = n, logprobs } = fields as typeof fields & { best_of?: unknown };
    if (best_of !== n) throw invalidRequest('best_of must equal n', 'best_of', 'unsupported_value');
    return requestTexts(
      fields,
      prompts.map(prompt => ({ prompt })),
      {
        // `raw` is Ollama's name: the model continues the prompt instead of answering it as a chat message.
        raw: true,
        ...(logprobs !== undefined && { logprobs: true, top_logprobs: logprobs }),
      },
    );
  },

  answer(jobs, request): Completion {
    return {
      ...commonFields(jobs[0]),
      choices: jobs.map((job, index) => ({
        index,
        text: job.result ?? '',
        logprobs: textLogprobs(job),
        finish_reason: job.finish_reason ?? 'stop',
      })),
      ...usageOf(jobs, request),
      aitbc: jobReferences(jobs),
    };
  },

  pieces(first, request) {
    const head = commonFields(first);
    return {
      choice(index) {
        const chunk = (
          text: string,
          finish_reason: string | null = null,
          logprobs: object | null = null,
        ) => ({
          ...head,
          choices: [{ index, text, logprobs, finish_reason }],
          ...(request.includeUsage && { usage: null }),
        });
        return {
          text: piece => chunk(piece),
          fullText: job => job.result ?? '',
          end(job, rest) {
            const last = chunk(rest, job.finish_reason ?? 'stop', textLogprobs(job));
            return [{ ...last, model: job.model, aitbc: jobReferences([job]) }];
          },
        };
      },
      end: jobs => usageEvents(head, jobs, request),
    };
  },
};

const TOKENS = invalidRequest(
  'prompt must be a text or a list of texts: only /v1/embeddings accepts tokens',
  'prompt',
  'unsupported_value',
);

const commonFields = (job: StartedJob) => ({
  id: `cmpl-${job.job_id}`,
  object: 'text_completion' as const,
  created: createdAtSeconds(job),
  model: job.model,
});
