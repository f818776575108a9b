import type { Backend } from '../backend.ts';

/** Answers with the prompt, for trying things: the answer says that no model ran. */
export function echoBackend({ models = ['echo'] }: { models?: readonly string[] } = {}): Backend {
  return {
    name: 'echo (repeats prompts, runs no model)',
    async models() {
      return [...models];
    },
    async loaded() {
      return [...models];
    },
    async generate({ prompt, params, signal, onToken }) {
      signal.throwIfAborted();
      const words = `Echo, no model ran: ${prompt}`.match(/\s*\S+/g) ?? [];
      const pieces = words.slice(0, params.max_tokens);
      for (const piece of pieces) onToken?.(piece);
      return { text: pieces.join(''), usage: { completion_tokens: pieces.length } };
    },
    async close() {},
  };
}
