import type { ChatCompletionRequest, ChatMessage, ContentPart, RequestPart } from '@aitbc/protocol';

type Message = ChatCompletionRequest['messages'][number];

/** The fields of a message that have a meaning here. Clients also send back other fields of earlier answers. */
const FIELDS = [
  ...['role', 'content', 'name', 'tool_calls', 'tool_call_id'],
  ...['refusal', 'reasoning_content', 'reasoning'],
];

/**
 * Returns the request body with unknown fields removed from its messages. Null counts as absent, except as `content`.
 */
export function withCleanMessages(body: unknown): unknown {
  const { messages } = Object(body);
  if (!Array.isArray(messages)) return body;
  return { ...Object(body), messages: messages.map(cleanMessage) };
}

function cleanMessage(message: unknown): unknown {
  if (typeof message !== 'object' || message === null || Array.isArray(message)) return message;
  const fields = Object.entries(message).filter(
    ([name, value]) =>
      FIELDS.includes(name) && (name === 'content' || (value !== null && !isEmptyToolCalls(name, value))),
  );
  return Object.fromEntries(fields);
}

const isEmptyToolCalls = (name: string, value: unknown) =>
  name === 'tool_calls' && Array.isArray(value) && value.length === 0;

/** Converts a message to the form that engines take. An assistant's refusal becomes its content. */
export function toChatMessage(message: Message): ChatMessage {
  const { role, content, refusal, reasoning, reasoning_content = reasoning, ...others } = message;
  const text = Array.isArray(content) ? content.map(toContentPart) : content;
  if (role !== 'assistant')
    return {
      role: role === 'developer' ? 'system' : role,
      ...(text !== undefined && { content: text }),
      ...others,
    };
  const isEmpty = text === undefined || text === null || text.length === 0;
  return {
    role,
    content: isEmpty ? (refusal ?? (others.tool_calls ? null : '')) : text,
    ...(reasoning_content && { reasoning_content }),
    ...others,
  };
}

function toContentPart({ refusal, ...part }: RequestPart): ContentPart {
  return part.type === 'refusal' ? { type: 'text', text: refusal ?? '' } : { ...part, type: part.type };
}
