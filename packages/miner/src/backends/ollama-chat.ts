import type { ChatMessage, ChatRequest, JobParams, ToolCall } from '@aitbc/protocol';
import { BackendError, type Generation } from '../backend.ts';
import { textsOf } from '../token-bounds.ts';

/** Parameters that Ollama takes in the request itself rather than in its options. */
const REQUEST_FIELDS = ['system', 'format', 'think', 'raw', 'logprobs', 'top_logprobs'];

/** Options that reload the model or use more of the machine. Only the owner decides about them. */
const OWNERS_OPTIONS = [
  ...['num_ctx', 'num_batch', 'num_gpu', 'main_gpu', 'num_thread', 'numa', 'low_vram', 'vocab_only'],
  ...['use_mmap', 'use_mlock', 'f16_kv', 'logits_all', 'embedding_only', 'num_gqa', 'keep_alive'],
];

/** Parameters of OpenAI's and vLLM's clients that Ollama does not know. */
const NOT_OPTIONS = [
  ...['n', 'user', 'store', 'metadata', 'verbosity', 'prediction', 'service_tier', 'logit_bias', 'stream'],
  ...['stream_options', 'parallel_tool_calls', 'cache_prompt', 'guided_json', 'chat_template_kwargs'],
  ...['reasoning_effort', 'reasoning', 'repetition_penalty', 'best_of', 'echo', 'max_completion_tokens'],
  ...[
    'messages',
    'prompt',
    'model',
    'tools',
    'tool_choice',
    'response_format',
    'truncate',
    'shift',
    'options',
  ],
];

/** Returns the body of `POST /api/chat` or `POST /api/generate`, without the size of the context. */
export function requestFor({ model, prompt, chat, params }: Generation, thinks: boolean | undefined) {
  const { request, options } = settingsOf(params);
  return {
    ...request,
    ...(request.think === undefined && thinkingOf(params, thinks)),
    ...(chat ? chatFields(chat) : { prompt }),
    model,
    stream: true,
    // With these, a prompt that is too long is an error, and a text that fills the context ends there.
    // Versions before 0.12.5 do not know these options and cut off the beginning.
    truncate: false,
    shift: false,
    options,
  };
}

function settingsOf({ max_tokens, stop, ...params }: JobParams) {
  const given = Object.entries(params).filter(([, value]) => value !== null && value !== undefined);
  const request: Record<string, unknown> = Object.fromEntries(
    given.filter(([name]) => REQUEST_FIELDS.includes(name)),
  );
  const left = [...REQUEST_FIELDS, ...OWNERS_OPTIONS, ...NOT_OPTIONS];
  const options: Record<string, unknown> = Object.fromEntries(given.filter(([name]) => !left.includes(name)));
  if (max_tokens !== undefined) options.num_predict = max_tokens;
  if (stop !== undefined && stop !== null) options.stop = Array.isArray(stop) ? stop : [stop];
  if (typeof params.repetition_penalty === 'number') options.repeat_penalty ??= params.repetition_penalty;
  if (typeof params.guided_json === 'object' && params.guided_json) request.format ??= params.guided_json;
  return { request, options };
}

/** Converts the parameters of OpenAI's API and of vLLM that control thinking. */
function thinkingOf({ reasoning_effort, chat_template_kwargs }: JobParams, thinks: boolean | undefined) {
  const { enable_thinking } = Object(chat_template_kwargs);
  if (reasoning_effort === 'none' || enable_thinking === false) return { think: false };
  // For models that do not think it is a useless hint, which Ollama would reject.
  if (thinks === false) return {};
  const level = EFFORTS[`${reasoning_effort}`];
  if (level) return { think: level };
  return enable_thinking === true ? { think: true } : {};
}

const EFFORTS: Record<string, string> = {
  minimal: 'low',
  low: 'low',
  medium: 'medium',
  high: 'high',
  xhigh: 'high',
};

function chatFields({ messages, tools, tool_choice, response_format }: ChatRequest) {
  // Ollama would silently ignore the demand.
  if (tool_choice !== undefined && tool_choice !== 'auto' && tool_choice !== 'none') {
    throw new BackendError('Ollama can not be made to call a tool: tool_choice must be auto or none', {
      failureClass: 'unsupported',
    });
  }
  const format = formatOf(response_format);
  return {
    messages: messages.map(message => messageFor(message, messages)),
    ...(tools && tool_choice !== 'none' && { tools }),
    ...(format !== undefined && { format }),
  };
}

function formatOf(format: ChatRequest['response_format']): unknown {
  if (format?.type === 'json_object') return 'json';
  if (format?.type === 'json_schema') return format.json_schema?.schema ?? 'json';
  return undefined;
}

function messageFor(message: ChatMessage, history: readonly ChatMessage[]) {
  const { role, content, name, tool_calls, tool_call_id } = message;
  const { reasoning_content, reasoning } = message as Record<string, unknown>;
  const thinking = [reasoning_content, reasoning].find(value => typeof value === 'string' && value !== '');
  const images = Array.isArray(content) ? content.flatMap(({ image_url }) => image_url?.url ?? []) : [];
  const toolName = role === 'tool' ? (name ?? calledName(tool_call_id, history)) : undefined;
  return {
    role,
    content: textsOf(message).join('\n'),
    ...(thinking !== undefined && { thinking }),
    ...(images.length > 0 && { images: images.map(base64Of) }),
    ...(tool_calls && { tool_calls: tool_calls.map(callFor) }),
    ...(toolName !== undefined && { tool_name: toolName }),
    ...(tool_call_id !== undefined && { tool_call_id }),
  };
}

const calledName = (id: string | undefined, history: readonly ChatMessage[]) =>
  history.flatMap(({ tool_calls = [] }) => tool_calls).findLast(call => call.id === id)?.function.name;

function callFor({ id, function: { name, arguments: text } }: ToolCall) {
  return { id, function: { name, arguments: objectIn(text) } };
}

/** Ollama's templates only take an object, but a model may have written something else. */
function objectIn(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {}
  return text.trim() === '' ? {} : { arguments: text };
}

/** Returns the data of a `data:` URL, the only kind of image that Ollama takes. */
function base64Of(url: string): string {
  const [, encoding, data = ''] = /^data:[^,]*?(;base64)?,(.*)$/is.exec(url) ?? [];
  if (data === '') {
    throw new BackendError('Ollama takes images as data: URLs only', {
      failureClass: 'refused',
      code: 'invalid_image_url',
    });
  }
  return encoding ? data : Buffer.from(decodeURIComponent(data), 'latin1').toString('base64');
}
