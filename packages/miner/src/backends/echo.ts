import { createHash } from 'node:crypto';
import type { ChatMessage } from '@aitbc/protocol';
import { type Backend, chatOf } from '../backend.ts';

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
    async generate({ params, signal, onToken, ...asked }) {
      signal.throwIfAborted();
      const words = `Echo, no model ran: ${lastWords(chatOf(asked).messages)}`.match(/\s*\S+/g) ?? [];
      const pieces = words.slice(0, params.max_tokens);
      for (const piece of pieces) onToken?.(piece);
      return {
        text: pieces.join(''),
        finishReason: pieces.length < words.length ? 'length' : 'stop',
        usage: { completion_tokens: pieces.length },
      };
    },
    async embed({ input, signal }) {
      signal.throwIfAborted();
      const words = input.flatMap(text => text.match(/\S+/g) ?? []);
      return { vectors: input.map(vectorOf), usage: { prompt_tokens: words.length } };
    },
    async close() {},
  };
}

function lastWords(messages: readonly ChatMessage[]): string {
  const content = messages.findLast(({ role }) => role === 'user')?.content ?? '';
  return typeof content === 'string' ? content : content.map(({ text = '' }) => text).join('');
}

/** Of length 1, the same for the same text, and of no meaning. */
function vectorOf(text: string): number[] {
  const numbers = [...createHash('sha256').update(text).digest()].map(byte => byte - 127.5);
  const length = Math.hypot(...numbers);
  return numbers.map(number => number / length);
}
