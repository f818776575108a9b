/*
 * PostgreSQL stores every character but NUL. The store writes NUL as U+001A followed by `0`, and U+001A as U+001A
 * followed by `1`, so that every text reads back unchanged.
 */

const ESCAPE = '\x1a';
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is encoded
const SPECIAL = /[\0\x1a]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is decoded
const ENCODED = /\x1a([01])/g;

/** Encodes a parameter of a statement where it is a text. */
export const encode = (value: unknown): unknown => (typeof value === 'string' ? encodeText(value) : value);

export function decodeText(text: string): string {
  return text.includes(ESCAPE) ? text.replace(ENCODED, (_, digit) => (digit === '0' ? '\0' : ESCAPE)) : text;
}

export function encodeText(text: string): string {
  const isPlain = !text.includes('\0') && !text.includes(ESCAPE);
  return isPlain ? text : text.replace(SPECIAL, character => `${ESCAPE}${character === '\0' ? '0' : '1'}`);
}
