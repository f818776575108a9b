import {
  type ChatCompletion,
  ChatCompletionRequest,
  type ChatMessage,
  type ResultMessage,
} from '@aitbc/protocol';
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

const KNOWN = [
  ...['model', 'messages', 'tools', 'tool_choice', 'response_format', 'stop', 'max_completion_tokens'],
  ...['stream', 'stream_options', 'metadata'],
];
const readFields = fieldsBy(ChatCompletionRequest, KNOWN);

/** `POST /v1/chat/completions`. */
export const chatCompletions: Endpoint = {
  read(body) {
    const fields = readFields(withMessages(body));
    const { messages, tools = [], tool_choice, response_format } = fields;
    return askForText(fields, {
      messages: messages.map(message => messageOf(message)),
      ...(tools.length > 0 && { tools }),
      ...(tool_choice !== undefined && tool_choice !== 'auto' && { tool_choice }),
      ...(response_format && response_format.type !== 'text' && { response_format }),
    });
  },

  answer(job): ChatCompletion {
    const { content, tool_calls } = messageIn(job);
    return {
      ...headOf(job),
      object: 'chat.completion',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content, refusal: null, ...(tool_calls && { tool_calls }) },
          logprobs: null,
          finish_reason: finishReasonOf(job),
        },
      ],
      ...usageOf(job),
      aitbc: originOf(job),
    };
  },

  pieces(started, asked) {
    const head = { ...headOf(started), object: 'chat.completion.chunk' as const };
    let isFirst = true;
    const chunk = (delta: object, finish_reason: string | null = null) => {
      const role = isFirst ? { role: 'assistant' } : {};
      isFirst = false;
      const choices = [{ index: 0, delta: { ...role, ...delta }, logprobs: null, finish_reason }];
      return { ...head, choices, ...(asked.includeUsage && { usage: null }) };
    };
    return {
      text: content => chunk({ content }),
      whole: job => messageIn(job).content ?? '',
      end(job, rest) {
        const { tool_calls } = messageIn(job);
        return [
          ...(rest === '' ? [] : [chunk({ content: rest })]),
          ...(tool_calls
            ? [chunk({ tool_calls: tool_calls.map((call, index) => ({ index, ...call })) })]
            : []),
          { ...chunk({}, finishReasonOf(job)), aitbc: originOf(job) },
          ...usagePieces(head, job, asked),
        ];
      },
    };
  },
};

const headOf = (job: Pick<Answered, 'job_id' | 'model' | 'created_at'>) => ({
  id: `chatcmpl-${job.job_id}`,
  created: createdAt(job),
  model: job.model,
});

/** The message of the assistant. */
function messageIn({ result, result_type }: Answered): {
  content: string | null;
  tool_calls?: ResultMessage['tool_calls'];
} {
  if (result_type === 'message') return JSON.parse(result ?? '') as ResultMessage;
  return { content: result ?? '' };
}

/** Miners that run no conversations do not say. */
function finishReasonOf({ finish_reason, result_type }: Answered) {
  return finish_reason ?? (result_type === 'message' ? 'tool_calls' : 'stop');
}

/** Of a message of an answer, what clients send back with the next request. */
const ANSWERS = ['refusal', 'annotations', 'reasoning_content', 'reasoning'];

/** Messages as clients send them: null says the same as nothing, but of the content. */
function withMessages(body: unknown): unknown {
  const { messages } = Object(body);
  if (!Array.isArray(messages)) return body;
  return {
    ...Object(body),
    messages: messages.map((message, index) =>
      typeof message === 'object' && message !== null && !Array.isArray(message)
        ? plain(message, `messages[${index}]`)
        : message,
    ),
  };
}

const FIELDS = ['role', 'content', 'name', 'tool_calls', 'tool_call_id'];

function plain(message: object, param: string): object {
  const fields = Object.entries(message).filter(([name, value]) => {
    if (FIELDS.includes(name)) return name === 'content' || (value !== null && !isEmptyCalls(name, value));
    if (value === null || ANSWERS.includes(name)) return false;
    throw invalid(
      `${param}.${name} is not known or not served here`,
      `${param}.${name}`,
      'unsupported_parameter',
    );
  });
  return Object.fromEntries(fields);
}

const isEmptyCalls = (name: string, value: unknown) =>
  name === 'tool_calls' && Array.isArray(value) && value.length === 0;

function messageOf({ role, ...message }: ChatCompletionRequest['messages'][number]): ChatMessage {
  return { role: role === 'developer' ? 'system' : role, ...message };
}
