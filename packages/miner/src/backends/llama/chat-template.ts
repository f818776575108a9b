import type { ChatMessage, Tool } from '@aitbc/protocol';
import { Template } from '@huggingface/jinja';
import { BackendError } from '../../backend.ts';
import { type CallForm, callFormOf } from './call-form.ts';
import { errorText } from './node-llama-cpp.ts';

/*
 * Renders the Jinja chat template of a model's file: the same text as llama.cpp makes from a conversation,
 * and nothing that the client did not send.
 */

export interface ChatTemplate {
  /** Returns the text that the model continues. */
  render(conversation: Conversation): string;
  /** How the model writes tool calls. Absent when its template does not support tools. */
  readonly calls?: CallForm;
  /** Whether the model may think between `<think>` and `</think>` before it answers. */
  readonly thinks: boolean;
}

interface Conversation {
  messages: readonly ChatMessage[];
  tools?: readonly Tool[];
  /** Further variables, such as `enable_thinking`. */
  variables?: Record<string, unknown>;
}

/** A message as templates expect it. */
interface Message {
  role: string;
  content: string;
  tool_calls?: { id: string; type: string; function: { name: string; arguments: unknown } }[];
  [more: string]: unknown;
}

interface Tokens {
  bos: string;
  eos: string;
}

type Render = (messages: readonly Message[], variables?: Record<string, unknown>) => string;

/** @throws {Error} when the text is not Jinja */
export function createChatTemplate(source: string, { bos, eos }: Tokens): ChatTemplate {
  const template = new Template(source);
  const now = { enable_thinking: true, bos_token: bos, eos_token: eos };
  const render: Render = (messages, variables) =>
    template.render({ ...now, add_generation_prompt: true, ...variables, messages });
  const takesSystem = mentions(render, [system('Marker-S'), user('u')], 'Marker-S');
  const takesTools = mentions(render, [user('u')], 'marker_tool', { tools: [toolNamed('marker_tool')] });
  const takesObjects = mentions(render, [user('u'), called({ 'marker-key': 1 })], '"marker-key"');
  const calls = takesTools ? callFormOf(render, eos) : undefined;

  return {
    ...(calls && { calls }),
    thinks: source.includes('</think>'),
    render({ messages, tools = [], variables = {} }) {
      const all = messages.map(message => messageFor(message, takesObjects));
      const [begun, rest] = begunBy(takesSystem ? all : withoutSystem(all));
      try {
        return render(rest, { ...variables, ...(tools.length > 0 && { tools }) }) + begun;
      } catch (error) {
        const why = `The model's chat template does not take this conversation: ${errorText(error)}`;
        throw new BackendError(why, { failureClass: 'refused', code: 'invalid_messages', cause: error });
      }
    },
  };
}

const user = (content: string): Message => ({ role: 'user', content });
const system = (content: string): Message => ({ role: 'system', content });
const called = (params: unknown): Message => ({
  role: 'assistant',
  content: '',
  tool_calls: [{ id: 'call00001', type: 'function', function: { name: 'marker_tool', arguments: params } }],
});
const toolNamed = (name: string) => ({
  type: 'function',
  function: { name, description: 'd', parameters: { type: 'object', properties: {} } },
});

/** Whether the rendered conversation contains the text. */
function mentions(render: Render, messages: Message[], text: string, variables = {}): boolean {
  try {
    return render(messages, variables).includes(text);
  } catch {
    return false;
  }
}

function messageFor({ role, tool_calls, ...message }: ChatMessage, takesObjects: boolean): Message {
  return {
    ...message,
    role,
    content: messageText(message),
    ...(tool_calls && {
      tool_calls: tool_calls.map(({ function: { name, arguments: params }, ...call }) => ({
        ...call,
        function: { name, arguments: takesObjects ? parsed(params) : params },
      })),
    }),
  };
}

/** Joins the parts of a text by newlines, as llama.cpp's server and vLLM do. */
function messageText({ content }: Pick<ChatMessage, 'content'>): string {
  if (typeof content === 'string') return content;
  return (content ?? [])
    .map(({ type, text = '' }) => {
      if (type === 'text') return text;
      throw new BackendError('This miner takes no images', {
        failureClass: 'unsupported',
        code: 'images_unsupported',
      });
    })
    .join('\n');
}

/** Splits off a last message that is an answer already begun, for the model to continue. */
function begunBy(messages: readonly Message[]): [begun: string, rest: readonly Message[]] {
  const last = messages.at(-1);
  const isBegun = last?.role === 'assistant' && !last.tool_calls;
  return isBegun ? [last.content, messages.slice(0, -1)] : ['', messages];
}

/** For templates without a system role: its text goes before the next message's. */
function withoutSystem(messages: readonly Message[]): Message[] {
  const rest: Message[] = [];
  let before = '';
  for (const message of messages) {
    if (message.role === 'system') before += `${message.content}\n`;
    else {
      rest.push(before === '' ? message : { ...message, content: before + message.content });
      before = '';
    }
  }
  return before === '' ? rest : [...rest, user(before.trimEnd())];
}

/** Parses JSON, and returns any other text as it is. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
