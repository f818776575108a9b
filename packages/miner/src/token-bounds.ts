import type { ChatMessage } from '@aitbc/protocol';
import type { Generation } from './backend.ts';

/*
 * Bounds on the number of tokens of a text with any tokenizer. Both are far from the usual count: prose has
 * one token for four to five bytes.
 */

/** The longest token in the vocabularies of GPT-4o, GPT-4 and Llama 3: a run of one character. */
const LONGEST_TOKEN_BYTES = 128;

/**
 * Tokenizers make at least one token of each word, since they split texts at spaces first. The few exceptions
 * (SuperBPE) join at most four words.
 */
const WORDS_PER_TOKEN = 4;

/** Words of Latin letters. Text in other scripts is only counted by its bytes. */
const WORDS = /(?<![A-Za-z])[A-Za-z]+/g;

/**
 * Returns the fewest tokens that a text can have. Spaces at its ends do not count, as a template may trim
 * them.
 */
export function minTokens(text: string): number {
  const trimmed = text.trim();
  let words = 0;
  for (const _ of trimmed.matchAll(WORDS)) words++;
  return Math.max(
    Math.ceil(words / WORDS_PER_TOKEN),
    Math.ceil(Buffer.byteLength(trimmed) / LONGEST_TOKEN_BYTES),
  );
}

/** Returns the most tokens that a text can have: no tokenizer makes more than one from a byte. */
export const maxTokens = (text: string): number => Buffer.byteLength(text);

/** Returns a likely upper bound: one token for two letters or spaces, and one for each other byte. */
export function likelyTokens(text: string): number {
  let letters = 0;
  for (const { length } of text.matchAll(/[A-Za-z ]+/g).map(([run]) => run)) letters += length;
  return Buffer.byteLength(text) - Math.floor(letters / 2);
}

type Asked = Pick<Generation, 'prompt' | 'chat' | 'params'>;

/** Returns the texts that every template shows to the model, for a lower bound on what it has read. */
export function shownTexts({ prompt, chat, params }: Asked): string[] {
  if (!chat) return [prompt, ...(typeof params.system === 'string' ? [params.system] : [])];
  // Templates may leave out the thoughts of assistants and the results of tools.
  return chat.messages.filter(({ role }) => role === 'user' || role === 'system').flatMap(textsOf);
}

/** Returns all texts that a template may show to the model. */
export function allTexts({ prompt, chat, params }: Asked): string[] {
  if (!chat) return shownTexts({ prompt, params });
  const { messages, tools, response_format } = chat;
  const extra = [tools, response_format?.json_schema?.schema].filter(part => part !== undefined);
  return [
    ...messages.flatMap(message => [...textsOf(message), JSON.stringify(message.tool_calls ?? '')]),
    ...extra.map(part => JSON.stringify(part)),
  ];
}

export function textsOf({ content }: Pick<ChatMessage, 'content'>): string[] {
  if (typeof content === 'string') return [content];
  return (content ?? []).flatMap(({ text }) => text ?? []);
}

export function imagesIn({ chat }: Pick<Generation, 'chat'>): number {
  const parts = (chat?.messages ?? []).flatMap(({ content }) => (Array.isArray(content) ? content : []));
  return parts.filter(({ type }) => type === 'image_url').length;
}

export const sumOf = (texts: readonly string[], count: (text: string) => number): number =>
  texts.reduce((sum, text) => sum + count(text), 0);
