import { type ChatCompletion, ChatCompletionRequest, type ResultMessage } from '@aitbc/protocol';
import { type Answered, askForText, createdAt, type Endpoint, originOf, type Started } from './endpoint.ts';
import { invalid } from './errors.ts';
import { fieldsBy } from './fields.ts';
import { chatLogprobs } from './logprobs.ts';
import { messageOf, withMessages } from './messages.ts';
import { usageOf, usagePieces } from './usage.ts';

const KNOWN = [
  ...['model', 'messages', 'tools', 'tool_choice', 'response_format', 'stop', 'max_completion_tokens', 'n'],
  ...['stream', 'stream_options', 'metadata', 'logprobs', 'top_logprobs'],
];
const readFields = fieldsBy(ChatCompletionRequest, KNOWN);

/** `POST /v1/chat/completions`. */
export const chatCompletions: Endpoint = {
  read(body) {
    const fields = readFields(withMessages(body));
    const { messages, tools = [], tool_choice, response_format } = fields;
    const content = {
      messages: messages.map(message => messageOf(message)),
      ...(tools.length > 0 && { tools }),
      ...(tool_choice !== undefined && tool_choice !== 'auto' && { tool_choice }),
      ...(response_format && response_format.type !== 'text' && { response_format }),
    };
    return askForText(fields, [content], logprobsIn(fields));
  },

  answer(jobs, asked): ChatCompletion {
    return {
      ...headOf(jobs[0]),
      object: 'chat.completion',
      choices: jobs.map((job, index) => {
        const { content, tool_calls } = messageIn(job);
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
      ...usageOf(jobs, asked),
      aitbc: originOf(jobs),
    };
  },

  pieces(first, asked) {
    const head = { ...headOf(first), object: 'chat.completion.chunk' as const };
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
          return { ...head, choices, ...(asked.includeUsage && { usage: null }) };
        };
        return {
          text: content => chunk({ content }),
          reasoning: reasoning_content => chunk({ reasoning_content }),
          whole: job => messageIn(job).content ?? '',
          end(job, rest) {
            const { tool_calls } = messageIn(job);
            const { refusal } = job;
            return [
              ...(rest === '' ? [] : [chunk({ content: rest })]),
              ...(refusal === undefined ? [] : [chunk({ refusal })]),
              ...(tool_calls
                ? [chunk({ tool_calls: tool_calls.map((call, index) => ({ index, ...call })) })]
                : []),
              { ...chunk({}, finishReasonOf(job), chatLogprobs(job)), aitbc: originOf([job]) },
            ];
          },
        };
      },
      end: jobs => usagePieces(head, jobs, asked),
    };
  },
};

const headOf = (job: Started) => ({
  id: `chatcmpl-${job.job_id}`,
  created: createdAt(job),
  model: job.model,
});

/** What engines are told of how likely the tokens were. */
function logprobsIn({ logprobs = false, top_logprobs = 0 }: ChatCompletionRequest): object {
  if (logprobs) return { logprobs, top_logprobs };
  if (top_logprobs === 0) return {};
  throw invalid('top_logprobs needs logprobs to be true', 'top_logprobs', 'invalid_value');
}

/** The message of the assistant. */
function messageIn({ result, result_type, refusal }: Answered): {
  content: string | null;
  tool_calls?: ResultMessage['tool_calls'];
} {
  if (result_type === 'message') return JSON.parse(result ?? '') as ResultMessage;
  return { content: refusal !== undefined && !result ? null : (result ?? '') };
}

/** Miners that run no conversations do not say. */
function finishReasonOf({ finish_reason, result_type }: Answered) {
  return finish_reason ?? (result_type === 'message' ? 'tool_calls' : 'stop');
}
