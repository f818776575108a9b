import { type ChatCompletion, ChatCompletionRequest, type ResultMessage } from '@aitbc/protocol';
import {
  type AnsweredJob,
  createdAtSeconds,
  type Endpoint,
  jobReferences,
  requestTexts,
  type StartedJob,
} from './endpoint.ts';
import { invalidRequest } from './errors.ts';
import { createFieldReader } from './fields.ts';
import { chatLogprobs } from './logprobs.ts';
import { toChatMessage, withCleanMessages } from './messages.ts';
import { usageEvents, usageOf } from './usage.ts';

const FIELDS = [
  ...[
    'model',
    'models',
    'messages',
    'tools',
    'tool_choice',
    'response_format',
    'stop',
    'max_completion_tokens',
    'n',
  ],
  ...['stream', 'stream_options', 'metadata', 'logprobs', 'top_logprobs'],
];
const readFields = createFieldReader(ChatCompletionRequest, FIELDS);

export const chatCompletions: Endpoint = {
  read(body) {
    const fields = readFields(withCleanMessages(body));
    const { messages, tools = [], tool_choice, response_format } = fields;
    const content = {
      messages: messages.map(message => toChatMessage(message)),
      ...(tools.length > 0 && { tools }),
      ...(tool_choice !== undefined && tool_choice !== 'auto' && { tool_choice }),
      ...(response_format && response_format.type !== 'text' && { response_format }),
    };
    return requestTexts(fields, [content], logprobsParams(fields));
  },

  answer(jobs, request): ChatCompletion {
    return {
      ...commonFields(jobs[0]),
      object: 'chat.completion',
      choices: jobs.map((job, index) => {
        const { content, tool_calls } = assistantMessage(job);
        const { reasoning, refusal = null } = job;
        return {
          index,
          message: {
            role: 'assistant',
            content,
            refusal,
            ...(reasoning !== undefined && { reasoning_content: reasoning }),
            ...(tool_calls && { tool_calls }),
          },
          logprobs: chatLogprobs(job),
          finish_reason: finishReasonOf(job),
        };
      }),
      ...usageOf(jobs, request),
      aitbc: jobReferences(jobs),
    };
  },

  pieces(first, request) {
    const head = { ...commonFields(first), object: 'chat.completion.chunk' as const };
    return {
      choice(index) {
        let isFirst = true;
        const chunk = (
          delta: object,
          finish_reason: string | null = null,
          logprobs: object | null = null,
        ) => {
          const role = isFirst ? { role: 'assistant' } : {};
          isFirst = false;
          const choices = [{ index, delta: { ...role, ...delta }, logprobs, finish_reason }];
          return { ...head, choices, ...(request.includeUsage && { usage: null }) };
        };
        return {
          text: content => chunk({ content }),
          reasoning: reasoning_content => chunk({ reasoning_content }),
          fullText: job => assistantMessage(job).content ?? '',
          end(job, rest) {
            const { tool_calls } = assistantMessage(job);
            const { refusal } = job;
            return [
              ...(rest === '' ? [] : [chunk({ content: rest })]),
              ...(refusal === undefined ? [] : [chunk({ refusal })]),
              ...(tool_calls
                ? [chunk({ tool_calls: tool_calls.map((call, index) => ({ index, ...call })) })]
                : []),
              {
                ...chunk({}, finishReasonOf(job), chatLogprobs(job)),
                ...{ model: job.model, aitbc: jobReferences([job]) },
              },
            ];
          },
        };
      },
      end: jobs => usageEvents(head, jobs, request),
    };
  },
};

const commonFields = (job: StartedJob) => ({
  id: `chatcmpl-${job.job_id}`,
  created: createdAtSeconds(job),
  model: job.model,
});

/**
 * Returns the log-probability parameters for the engine. Throws OpenAiError if `top_logprobs` is set without
 * `logprobs`.
 */
function logprobsParams({ logprobs = false, top_logprobs = 0 }: ChatCompletionRequest): object {
  if (logprobs) return { logprobs, top_logprobs };
  if (top_logprobs === 0) return {};
  throw invalidRequest('top_logprobs needs logprobs to be true', 'top_logprobs', 'invalid_value');
}

function assistantMessage({ result, result_type, refusal }: AnsweredJob): {
  content: string | null;
  tool_calls?: ResultMessage['tool_calls'];
} {
  if (result_type === 'message') return JSON.parse(result ?? '') as ResultMessage;
  return { content: refusal !== undefined && !result ? null : (result ?? '') };
}

/** Miners that do not run chats report no finish reason. */
function finishReasonOf({ finish_reason, result_type }: AnsweredJob) {
  return finish_reason ?? (result_type === 'message' ? 'tool_calls' : 'stop');
}
