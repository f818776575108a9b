import { base64 } from '@scure/base';
import { malformed } from './errors.ts';
import { HASH_BYTES } from './hashing.ts';

/** What parsers take: text, or its bytes in UTF-8. */
export type TextSource = string | Uint8Array;

const NEWLINE = 0x0a;
const SPACE = 0x20;
const DECIMAL = /^(0|[1-9][0-9]*)$/;
const BLANK_LINE = '\n\n';

/**
 * Returns the text. Throws TlogError MALFORMED for control characters other than newlines, which none of the
 * text formats here allow.
 */
export function readText(source: TextSource): string {
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

/** Returns the lines before the first blank line, and the text after it. */
export function readHead(source: TextSource): { lines: string[]; rest: string } {
  const text = readText(source);
  const end = text.indexOf(BLANK_LINE);
  if (end < 0) throw malformed('There is no blank line');
  return { lines: text.slice(0, end).split('\n'), rest: text.slice(end + BLANK_LINE.length) };
}

/** Returns what follows a line's keyword and a space. */
export function readField(keyword: string, line = ''): string {
  if (!line.startsWith(`${keyword} `))
    throw malformed(`Expected a line «${keyword} …», found ${quote(line)}`);
  return line.slice(keyword.length + 1);
}

/**
 * Returns a decimal without leading zeros, from 0 to 2^53 - 1. The formats allow larger numbers; this package
 * does not.
 */
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

/** Decodes standard base64 (RFC 4648 section 4) with padding, whose unused bits must be zero. */
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
