import { base64 } from '@scure/base';
import { malformed } from './errors.ts';
import { HASH_BYTES } from './hashing.ts';

/** What parsers take: text, or its bytes in UTF-8. */
export type Source = string | Uint8Array;

const NEWLINE = 0x0a;
const SPACE = 0x20;
const DECIMAL = /^(0|[1-9][0-9]*)$/;
const BLANK_LINE = '\n\n';

/** Text without control characters other than newlines, as all the text formats here demand. */
export function readText(source: Source): string {
  const text = typeof source === 'string' ? source : decodeUtf8(source);
  if (!text.isWellFormed()) throw malformed('A lone surrogate has no UTF-8');
  if (hasControls(text)) throw malformed('Control characters other than newlines are not allowed');
  return text;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw malformed('The bytes are not UTF-8');
  }
}

function hasControls(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < SPACE && code !== NEWLINE) return true;
  }
  return false;
}

/** The lines before the first blank line, and what follows it. */
export function readHead(source: Source): { lines: string[]; rest: string } {
  const text = readText(source);
  const end = text.indexOf(BLANK_LINE);
  if (end < 0) throw malformed('There is no blank line');
  return { lines: text.slice(0, end).split('\n'), rest: text.slice(end + BLANK_LINE.length) };
}

/** What follows a line's keyword and a space. */
export function readField(keyword: string, line = ''): string {
  if (!line.startsWith(`${keyword} `))
    throw malformed(`Expected a line «${keyword} …», found ${quote(line)}`);
  return line.slice(keyword.length + 1);
}

/** A decimal without leading zeros, up to 2^53 - 1: larger ones, which the formats know, can't be counted here. */
export function readDecimal(text: string): number {
  const value = Number(text);
  if (!DECIMAL.test(text) || !Number.isSafeInteger(value)) {
    throw malformed(`${quote(text)} is no decimal from 0 to 2^53 - 1 without leading zeros`);
  }
  return value;
}

export function readHash(text: string): Uint8Array {
  const hash = readBase64(text);
  if (hash.length !== HASH_BYTES) throw malformed(`${quote(text)} has ${hash.length} bytes instead of 32`);
  return hash;
}

/** Standard base64 (RFC 4648 section 4) with padding, of which the unused bits are zero. */
export function readBase64(text: string): Uint8Array {
  try {
    return base64.decode(text);
  } catch {
    throw malformed(`${quote(text)} is not base64`);
  }
}

export function writeBase64(bytes: Uint8Array): string {
  return base64.encode(bytes);
}

export const quote = (text: string) => JSON.stringify(text.slice(0, 80));
