import type { ChatMessage } from '@aitbc/protocol';
import type { Generation } from './backend.ts';

/*
 * How many tokens a text can be, whatever the tokenizer. Both bounds are far from what one makes of usual texts: prose
 * has a token for four to five bytes.
 */

/** The longest token in the vocabularies of GPT-4o, GPT-4 and Llama 3, which have the longest: a run of one character. */
const LONGEST_TOKEN_BYTES = 128;

/**
 * Tokenizers make at least one token of each word, since they split texts at spaces first. The few that don't
 * (SuperBPE) join four words at most.
 */
const WORDS_PER_TOKEN = 4;

/** Letters with anything else before them, and nothing else: of other scripts the bytes alone are counted. */
const WORDS = /(?<![A-Za-z])[A-Za-z]+/g;

/** Tokens of a text at least. Spaces at its ends may be trimmed by a template, and count for nothing. */
export function leastTokens(text: string): number {
  const trimmed = text.trim();
  let words = 0;
  for (const _ of trimmed.matchAll(WORDS)) words++;
  return Math.max(
    Math.ceil(words / WORDS_PER_TOKEN),
    Math.ceil(Buffer.byteLength(trimmed) / LONGEST_TOKEN_BYTES),
  );
}

/** Tokens of a text at most: no tokenizer makes more than one of a byte. */
export const mostTokens = (text: string): number => Buffer.byteLength(text);

/** Tokens of a text as they will hardly be more: two letters or spaces are one, and each other byte. */
export function likelyTokens(text: string): number {
  let letters = 0;
  for (const { length } of text.matchAll(/[A-Za-z ]+/g).map(([run]) => run)) letters += length;
  return Buffer.byteLength(text) - Math.floor(letters / 2);
}

type Asked = Pick<Generation, 'prompt' | 'chat' | 'params'>;

/** The texts of which every template shows the model all, to count what it must have read at least. */
export function shownTexts({ prompt, chat, params }: Asked): string[] {
  if (!chat) return [prompt, ...(typeof params.system === 'string' ? [params.system] : [])];
  // Templates may leave out what assistants thought, and what tools said.
  return chat.messages.filter(({ role }) => role === 'user' || role === 'system').flatMap(textsOf);
}

/** Everything that a template may show the model. */
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
