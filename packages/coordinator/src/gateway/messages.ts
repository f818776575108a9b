import type { ChatCompletionRequest, ChatMessage, ContentPart, RequestPart } from '@aitbc/protocol';

type Message = ChatCompletionRequest['messages'][number];

/** Fields of a message that mean something here. Clients send others back with what they were answered. */
const FIELDS = [
  ...['role', 'content', 'name', 'tool_calls', 'tool_call_id'],
  ...['refusal', 'reasoning_content', 'reasoning'],
];

/** A request's body with its messages as they are read: null says the same as nothing, but of the content. */
export function withMessages(body: unknown): unknown {
  const { messages } = Object(body);
  if (!Array.isArray(messages)) return body;
  return { ...Object(body), messages: messages.map(plain) };
}

function plain(message: unknown): unknown {
  if (typeof message !== 'object' || message === null || Array.isArray(message)) return message;
  const fields = Object.entries(message).filter(
    ([name, value]) =>
      FIELDS.includes(name) && (name === 'content' || (value !== null && !isEmptyCalls(name, value))),
  );
  return Object.fromEntries(fields);
}

const isEmptyCalls = (name: string, value: unknown) =>
  name === 'tool_calls' && Array.isArray(value) && value.length === 0;

/** The message as engines take it: with what an assistant declined with among its words. */
export function messageOf(message: Message): ChatMessage {
  const { role, content, refusal, reasoning, reasoning_content = reasoning, ...others } = message;
  const said = Array.isArray(content) ? content.map(partOf) : content;
  if (role !== 'assistant')
    return {
      role: role === 'developer' ? 'system' : role,
      ...(said !== undefined && { content: said }),
      ...others,
    };
  const isSilent = said === undefined || said === null || said.length === 0;
  return {
    role,
    content: isSilent ? (refusal ?? (others.tool_calls ? null : '')) : said,
    ...(reasoning_content && { reasoning_content }),
    ...others,
  };
}

function partOf({ refusal, ...part }: RequestPart): ContentPart {
  return part.type === 'refusal' ? { type: 'text', text: refusal ?? '' } : { ...part, type: part.type };
}
