import {
  type ChatMessage,
  type ChatRequest,
  type ContentPart,
  type MinerJob,
  parseOwn,
  type SubmitJob,
  writeOwn,
} from '@aitbc/protocol';
import { canonicalJson } from '@aitbc/receipts';
import { fail } from '../errors.ts';
import { raw } from '../raw.ts';
import { parseStrings } from '../store/json.ts';
import type { Row } from '../store/schema.ts';

/** What a job asks for, in its stored form. */
export interface JobContent {
  kind: Row<'job_input'>['kind'];
  /** The text that the receipt's prompt_hash covers: a prompt as it is, other kinds as canonical JSON. */
  text: string;
  /**
   * The tools and the response format as the client wrote them, as a JSON object, because engines depend on the order
   * of their members. Null if there are none.
   */
  own: string | null;
}

/** The field that a request of each kind must have. */
export const FIELDS = { prompt: 'prompt', chat: 'messages', embedding: 'input' } as const;

type Asked = Pick<MinerJob, keyof ChatRequest | 'input'>;

/**
 * Converts a request to stored content: a prompt to its text, other kinds to the canonical JSON of their known fields.
 *
 * @param prefix the prefix of field names in errors
 * @throws {RequestError} if the request has no content, has two kinds of content, or is invalid for engines
 */
export function contentOf(request: SubmitJob, prefix = ''): JobContent {
  const kind = kindOf(request, prefix);
  if (kind !== 'chat') forbidChatFields(request, prefix);
  if (kind === 'prompt') return { kind, text: request.prompt ?? '', own: null };
  const asked = kind === 'embedding' ? { input: request.input } : chatOf(request as ChatRequest, prefix);
  return { kind, text: canonical(asked, prefix + FIELDS[kind]), own: ownOf(asked) };
}

function ownOf({ tools, response_format }: Asked): string | null {
  const hasSchema = tools !== undefined || response_format?.json_schema !== undefined;
  return hasSchema
    ? writeOwn({ ...(tools && { tools }), ...(response_format && { response_format }) })
    : null;
}

/**
 * Converts stored content back to the fields of an answer. Numbers that JavaScript cannot represent stay as raw text
 * (`raw.ts`).
 */
export function askedIn({ kind, text, own }: JobContent): Asked {
  if (kind === 'prompt') return {};
  const asked = JSON.parse(text) as Asked;
  if (own === null) return asked;
  for (const [name, value] of Object.entries(parseOwn(own) as object))
    Object.assign(asked, { [name]: raw(value) });
  return asked;
}

function kindOf(request: SubmitJob, prefix: string): JobContent['kind'] {
  const kinds = (['prompt', 'chat', 'embedding'] as const).filter(
    kind => request[FIELDS[kind]] !== undefined,
  );
  const [kind, other] = kinds;
  if (!kind) fail('VALIDATION_MISSING_FIELD', `${prefix}prompt is missing`, { field: `${prefix}prompt` });
  if (other) {
    const field = prefix + FIELDS[other];
    fail('VALIDATION_INVALID_FORMAT', `A job has either ${FIELDS[kind]} or ${FIELDS[other]}`, { field });
  }
  return kind;
}

function forbidChatFields(request: SubmitJob, prefix: string): void {
  const name = (['tools', 'tool_choice', 'response_format'] as const).find(
    name => request[name] !== undefined,
  );
  if (name)
    fail('VALIDATION_INVALID_FORMAT', `${name} is only allowed with messages`, { field: prefix + name });
}

/** Returns the chat fields of a request. */
function chatOf(request: ChatRequest, prefix: string): ChatRequest {
  const { messages, tools, tool_choice, response_format } = request;
  checkToolChoice(request, prefix);
  if (response_format?.type === 'json_schema' && !response_format.json_schema) {
    const field = `${prefix}response_format.json_schema`;
    fail('VALIDATION_MISSING_FIELD', `${field} is missing`, { field });
  }
  return {
    messages: messages.map((message, index) => messageOf(message, `${prefix}messages.${index}`)),
    ...(tools && { tools }),
    ...(tool_choice && { tool_choice }),
    ...(response_format && { response_format }),
  };
}

function checkToolChoice({ tools = [], tool_choice: choice }: ChatRequest, prefix: string): void {
  const field = `${prefix}tool_choice`;
  if (choice === undefined || choice === 'none' || choice === 'auto') return;
  const name: unknown = Object(Object(choice).function).name;
  if (choice !== 'required' && typeof name !== 'string')
    fail('VALIDATION_INVALID_FORMAT', `${field} must be none, auto, required or a function`, { field });
  const isThere = choice === 'required' ? tools.length > 0 : tools.some(tool => tool.function.name === name);
  if (!isThere)
    fail('VALIDATION_INVALID_FORMAT', `${field} demands a tool that tools does not have`, { field });
}

function messageOf(message: ChatMessage, field: string): ChatMessage {
  const { role, content, name, tool_calls, tool_call_id, reasoning_content } = message;
  const isCalling = role === 'assistant' && tool_calls !== undefined;
  const demand = (name: string, isThere: boolean) => {
    if (!isThere)
      fail('VALIDATION_MISSING_FIELD', `${field}.${name} is missing`, { field: `${field}.${name}` });
  };
  demand('content', isCalling || (content !== undefined && content !== null));
  demand('tool_call_id', role !== 'tool' || tool_call_id !== undefined);
  const forbid = (name: string, isThere: boolean) => {
    const detail = `${field}.${name} has no place in a message of the role ${role}`;
    if (isThere) fail('VALIDATION_INVALID_FORMAT', detail, { field: `${field}.${name}` });
  };
  forbid('tool_calls', tool_calls !== undefined && role !== 'assistant');
  forbid('tool_call_id', tool_call_id !== undefined && role !== 'tool');
  forbid('reasoning_content', reasoning_content !== undefined && role !== 'assistant');
  return {
    role,
    ...(content !== undefined && {
      content: Array.isArray(content)
        ? content.map((part, index) => partOf(part, role, `${field}.content.${index}`))
        : content,
    }),
    ...(name !== undefined && { name }),
    ...(tool_calls && { tool_calls }),
    ...(tool_call_id !== undefined && { tool_call_id }),
    ...(reasoning_content !== undefined && { reasoning_content }),
  };
}

function partOf(
  { type, text, image_url }: ContentPart,
  role: ChatMessage['role'],
  field: string,
): ContentPart {
  if (type === 'text') {
    if (text === undefined)
      fail('VALIDATION_MISSING_FIELD', `${field}.text is missing`, { field: `${field}.text` });
    return { type, text };
  }
  if (!image_url)
    fail('VALIDATION_MISSING_FIELD', `${field}.image_url is missing`, { field: `${field}.image_url` });
  if (role !== 'user')
    fail('VALIDATION_INVALID_FORMAT', 'Only a user’s message has images', { field: `${field}.type` });
  // Otherwise a client could make a miner's server fetch addresses that only the miner can reach.
  if (!image_url.url.startsWith('data:image/')) {
    fail('VALIDATION_INVALID_FORMAT', 'An image must be in a data: URL: miners fetch nothing', {
      field: `${field}.image_url.url`,
    });
  }
  return { type, image_url };
}

function canonical(asked: object, field: string): string {
  try {
    return canonicalJson(asked);
  } catch (error) {
    // For example 1e400, which is valid JSON but not a JavaScript number.
    fail('VALIDATION_INVALID_FORMAT', (error as Error).message, { field });
  }
}

/** Returns the models that a job names, best first, from its input. */
export const modelsIn = ({ models }: { models: string | null }): readonly string[] =>
  models === null ? [] : (parseStrings(models) ?? []);
