import { createHash } from 'node:crypto';
import type { ChatMessage, ChatRequest, JobParams, ModelAbilities } from '@aitbc/protocol';
import { type Backend, BackendError, chatOf, type EmbeddingText } from '../backend.ts';

/** Repeats the prompt, or the last message of the user, for trials. The answer says that no model ran. */
export function echoBackend({ models = ['echo'] }: { models?: readonly string[] } = {}): Backend {
  return {
    kind: 'echo',
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
      checkSupported(demands, messages, params);
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

/** Like a model, it may ignore tools. It can not hold answers to a format. */
const ABILITIES: ModelAbilities = { text: true, embeddings: true, images: false, json_schema: false };

/** @throws {BackendError} for demands that a repeated prompt can not meet */
function checkSupported(
  { tool_choice = 'auto', response_format: { type } = { type: 'text' } }: Omit<ChatRequest, 'messages'>,
  messages: readonly ChatMessage[],
  params: JobParams,
): void {
  if (type !== 'text') throw lacking('it can not enforce a response_format', 'json_schema');
  if (tool_choice !== 'auto' && tool_choice !== 'none') throw lacking('it can not call tools', 'tools');
  if (params.logprobs === true) throw lacking('it has no logprobs', 'logprobs');
  const parts = messages.flatMap(({ content }) => (Array.isArray(content) ? content : []));
  if (parts.some(part => part.type !== 'text')) throw lacking('it can not see images', 'images');
}

const lacking = (why: string, what: string) =>
  new BackendError(`The echo backend runs no model: ${why}`, {
    failureClass: 'unsupported',
    code: `${what}_unsupported`,
  });

function textOf(message: ChatMessage | undefined): string {
  const content = message?.content ?? '';
  return typeof content === 'string' ? content : content.map(({ text = '' }) => text).join('');
}

/** Returns the text before the first stop in it. */
function until(text: string, stops: readonly unknown[]): string {
  const ends = stops.map(stop => (typeof stop === 'string' && stop !== '' ? text.indexOf(stop) : -1));
  return text.slice(0, Math.min(text.length, ...ends.filter(end => end >= 0)));
}

const countWords = (texts: readonly string[]) => texts.flatMap(text => text.match(/\S+/g) ?? []).length;

const tokensIn = (input: readonly EmbeddingText[]) =>
  input.reduce((sum, text) => sum + (typeof text === 'string' ? countWords([text]) : text.length), 0);

/** Returns a meaningless vector of length 1, the same for the same text. */
function vectorOf(text: EmbeddingText): number[] {
  const spelled = typeof text === 'string' ? text : text.join(' ');
  const numbers = [...createHash('sha256').update(spelled).digest()].map(byte => byte - 127.5);
  const length = Math.hypot(...numbers);
  return numbers.map(number => number / length);
}
