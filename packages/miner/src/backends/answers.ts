import type { AnswerDetails, FinishReason, ToolCall } from '@aitbc/protocol';
import { BackendError, type Generated, type Generation } from '../backend.ts';
import { createToolCalls, isJson } from './tool-calls.ts';
import { tokenUsage } from './usage.ts';

/** Collects an answer while it comes. */
export interface Answer {
  /** Adds a part, or the whole, in the shape of a chat completion or of a completion. */
  add(body: Record<string, unknown>): void;
  /** Whether the engine said why the text ends, which it does at the end. */
  readonly isFinished: boolean;
  /**
   * Returns the answer after its last part.
   *
   * @throws {BackendError} when the answer is incomplete: it has no text, or the engine gave up
   */
  generated(): Generated;
}

export function createAnswer(
  kind: string,
  { onToken, onReasoning }: Pick<Generation, 'onToken' | 'onReasoning'>,
): Answer {
  const calls = createToolCalls();
  const logprobs: NonNullable<AnswerDetails['logprobs']> = [];
  let text = '';
  let reasoning = '';
  let refusal = '';
  let hasDeltas = false;
  let stated: unknown;
  let reason: string | undefined;

  function take(part: Parts): void {
    if (part.reasoning !== '') onReasoning?.(part.reasoning);
    if (part.text !== '') onToken?.(part.text);
    reasoning += part.reasoning;
    text += part.text;
    refusal += part.refusal;
  }

  return {
    add(body) {
      const choice = Object(Array.isArray(body.choices) ? body.choices[0] : undefined);
      const { delta, message, finish_reason } = choice;
      hasDeltas ||= isObject(delta) && Object.keys(delta).length > 0;
      // After the pieces some servers repeat the whole text.
      const content = Object(isObject(delta) ? delta : hasDeltas ? undefined : message);
      take(partsOf(content, choice.text));
      if (content.tool_calls) calls.add(content.tool_calls);
      if (isObject(content.function_call)) calls.add({ function: content.function_call });
      logprobs.push(...logprobsOf(choice.logprobs));
      if (tokenUsage(body.usage).usage) stated = body.usage;
      if (typeof finish_reason === 'string' && !/^(|null|none)$/i.test(finish_reason)) reason = finish_reason;
    },
    get isFinished() {
      return reason !== undefined;
    },
    generated() {
      const toolCalls = calls.calls();
      const finishReason = reasonOf(kind, reason, toolCalls);
      const isEmpty = text === '' && refusal === '' && toolCalls.length === 0;
      if (isEmpty && finishReason === undefined) throw new BackendError(`${kind} ended without an answer`);
      return {
        text,
        ...(toolCalls.length > 0 && { toolCalls }),
        ...(finishReason && { finishReason }),
        ...(reasoning !== '' && { reasoning }),
        ...(refusal !== '' && { refusal }),
        ...(logprobs.length > 0 && { logprobs }),
        ...tokenUsage(stated, { isEmpty }),
      };
    },
  };
}

interface Parts {
  text: string;
  reasoning: string;
  refusal: string;
}

/** Returns the texts in a message or a part of one. Its content may be a list of parts. */
function partsOf(message: Record<string, unknown>, plain: unknown): Parts {
  const { content, refusal } = message;
  const listed = (Array.isArray(content) ? content : []).map(partOf);
  const joined = (key: keyof Parts) => listed.map(part => part[key] ?? '').join('');
  return {
    text: Array.isArray(content) ? joined('text') : (firstText(content, plain) ?? ''),
    reasoning: reasoningIn(message) ?? joined('reasoning'),
    refusal: firstText(refusal) ?? joined('refusal'),
  };
}

function partOf(part: unknown): Partial<Parts> {
  if (typeof part === 'string') return { text: part };
  const { type, text, refusal, thinking, reasoning } = Object(part);
  if (type === 'refusal') return { refusal: firstText(refusal, text) ?? '' };
  if (type === 'thinking' || type === 'reasoning') {
    const thought = thinking ?? reasoning ?? text;
    const texts = (Array.isArray(thought) ? thought : [thought]).map(item => partOf(item).text ?? '');
    return { reasoning: texts.join('') };
  }
  return { text: firstText(text) ?? '' };
}

/**
 * vLLM, DeepSeek and llama.cpp use `reasoning_content`, newer versions `reasoning`, and Ollama `thinking`.
 * Some send it twice.
 */
function reasoningIn(message: Record<string, unknown>): string | undefined {
  const { reasoning_content, reasoning, thinking, reasoning_details } = message;
  const said = firstText(reasoning_content, reasoning, thinking);
  if (said !== undefined || !Array.isArray(reasoning_details)) return said;
  return reasoning_details.map(item => firstText(Object(item).text, Object(item).summary) ?? '').join('');
}

const firstText = (...values: unknown[]) =>
  values.find((value): value is string => typeof value === 'string' && value !== '');

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Chats have an entry for each token; completions have a list for each property. */
function logprobsOf(given: unknown): Record<string, unknown>[] {
  const { content, tokens, token_logprobs, top_logprobs } = Object(given);
  if (Array.isArray(content)) return content.filter(isLogprob);
  if (!Array.isArray(tokens)) return [];
  return tokens
    .map((token, index) => ({
      token,
      logprob: token_logprobs?.[index],
      top_logprobs: Object.entries(Object(top_logprobs?.[index])).map(([top, logprob]) => ({
        token: top,
        logprob,
      })),
    }))
    .filter(isLogprob);
}

function isLogprob(value: unknown): value is Record<string, unknown> {
  const { token, logprob } = Object(value);
  return typeof token === 'string' && typeof logprob === 'number';
}

/** Engines use more words for the end of a text than clients know. */
const REASONS: Record<FinishReason, readonly string[]> = {
  stop: [
    ...['stop', 'eos', 'eos_token', 'eot', 'end', 'end_turn', 'end_of_turn', 'end_of_text'],
    ...['stop_sequence', 'stop_token', 'stop_str', 'complete', 'completed', 'finish', 'finished'],
  ],
  length: [
    ...['length', 'max_tokens', 'max_new_tokens', 'max_output_tokens', 'max_completion_tokens'],
    ...['max_length', 'model_length', 'context_length', 'token_limit', 'model_context_window_exceeded'],
  ],
  tool_calls: ['tool_calls', 'tool_call', 'tool_use', 'function_call'],
  content_filter: ['content_filter', 'content_filtered', 'safety', 'moderation', 'refusal'],
};

/**
 * Returns why a text ended; undefined when the engine does not say.
 *
 * @throws {BackendError} for a reason that does not end an answer: `error`, `abort`, or an unknown one
 */
function reasonOf(
  kind: string,
  reason: string | undefined,
  calls: readonly ToolCall[],
): FinishReason | undefined {
  const word = reason?.toLowerCase().replaceAll(/[- ]/g, '_');
  const [known] = Object.entries(REASONS).find(([, words]) => word && words.includes(word)) ?? [];
  if (word !== undefined && known === undefined)
    throw new BackendError(`${kind} ended the answer with the reason "${reason?.slice(0, 100)}"`);
  if (calls.length === 0) return known === 'tool_calls' ? 'stop' : (known as FinishReason | undefined);
  // A call that max_tokens cut off must not be carried out.
  const isCut = calls.some(call => !isJson(call.function.arguments));
  if (known === 'content_filter' || (known === 'length' && isCut)) return known;
  return 'tool_calls';
}
