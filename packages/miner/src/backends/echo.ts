import { createHash } from 'node:crypto';
import type { ChatMessage, ChatRequest, JobParams, ModelAbilities } from '@aitbc/protocol';
import { type Backend, BackendError, chatOf, type EmbeddingText } from '../backend.ts';

/** Answers with the prompt, or what the user said last, for trying things: the answer says that no model ran. */
export function echoBackend({ models = ['echo'] }: { models?: readonly string[] } = {}): Backend {
  return {
    name: 'echo (repeats prompts, runs no model)',
    async models() {
      return [...models];
    },
    async loaded() {
      return [...models];
    },
    async abilities(names) {
      return new Map(names.map(name => [name, ABILITIES]));
    },
    async generate({ params, signal, onToken, ...asked }) {
      signal.throwIfAborted();
      const { messages, ...demands } = chatOf(asked);
      checkDemands(demands, messages, params);
      const text = `Echo, no model ran: ${textOf(messages.findLast(({ role }) => role === 'user'))}`;
      const words = until(text, [params.stop].flat()).match(/\s*\S+/g) ?? [];
      const pieces = words.slice(0, params.max_tokens);
      for (const piece of pieces) onToken?.(piece);
      return {
        text: pieces.join(''),
        finishReason: pieces.length < words.length ? 'length' : 'stop',
        usage: { prompt_tokens: countWords(messages.map(textOf)), completion_tokens: pieces.length },
      };
    },
    async embed({ input, signal }) {
      signal.throwIfAborted();
      return { vectors: input.map(vectorOf), usage: { prompt_tokens: tokensIn(input) } };
    },
    async close() {},
  };
}

/** It may leave tools aside, as models may, but holds to no form. */
const ABILITIES: ModelAbilities = { text: true, embeddings: true, images: false, json_schema: false };

/** @throws {BackendError} for what an answer that repeats the prompt would leave aside */
function checkDemands(
  { tool_choice = 'auto', response_format: { type } = { type: 'text' } }: Omit<ChatRequest, 'messages'>,
  messages: readonly ChatMessage[],
  params: JobParams,
): void {
  if (type !== 'text') throw lacking('it holds answers to no response_format', 'json_schema');
  if (tool_choice !== 'auto' && tool_choice !== 'none') throw lacking('it calls no tools', 'tools');
  if (params.logprobs === true) throw lacking('it has no logprobs', 'logprobs');
  const parts = messages.flatMap(({ content }) => (Array.isArray(content) ? content : []));
  if (parts.some(part => part.type !== 'text')) throw lacking('it sees no images', 'images');
}

const lacking = (why: string, what: string) =>
  new BackendError(`The backend echo runs no model: ${why}`, {
    failureClass: 'unsupported',
    code: `${what}_unsupported`,
  });

function textOf(message: ChatMessage | undefined): string {
  const content = message?.content ?? '';
  return typeof content === 'string' ? content : content.map(({ text = '' }) => text).join('');
}

/** The text before the first of the stops in it. */
function until(text: string, stops: readonly unknown[]): string {
  const ends = stops.map(stop => (typeof stop === 'string' && stop !== '' ? text.indexOf(stop) : -1));
  return text.slice(0, Math.min(text.length, ...ends.filter(end => end >= 0)));
}

const countWords = (texts: readonly string[]) => texts.flatMap(text => text.match(/\S+/g) ?? []).length;

const tokensIn = (input: readonly EmbeddingText[]) =>
  input.reduce((sum, text) => sum + (typeof text === 'string' ? countWords([text]) : text.length), 0);

/** Of length 1, the same for the same text, and of no meaning. */
function vectorOf(text: EmbeddingText): number[] {
  const spelled = typeof text === 'string' ? text : text.join(' ');
  const numbers = [...createHash('sha256').update(spelled).digest()].map(byte => byte - 127.5);
  const length = Math.hypot(...numbers);
  return numbers.map(number => number / length);
}
