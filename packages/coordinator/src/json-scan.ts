import { LIMITS } from '@aitbc/protocol/limits';
import { fail } from './errors.ts';

/*
 * `JSON.parse` keeps the last of two members with one name, and says nothing. Whether there were any is told by
 * counting the text's colons outside of strings, which in JSON are as many as members: strings are passed over by
 * `indexOf`, so that the count costs little beside parsing.
 */

const QUOTE = 34;
const COLON = 58;
const BACKSLASH = 92;

/** A body is scanned so many bytes at a time; in between, other requests get their turn. */
const SLICE = 512 * 1024;

/** Deeper than any request needs, and far from where serializers run out of stack. */
export const MAX_DEPTH = 64;

const COMMA = 44;
/** The letters of `[` and `{`, and of `]` and `}`, differ in one bit. */
const OPENING = 123;
const CLOSING = 125;
const BRACE_BIT = 32;

/** Strings that are longer than so many bytes are passed over by `indexOf`, which is slow to begin. */
const SHORT = 32;

/**
 * Answers how many members the objects in a JSON text have, as `pairsIn` does. Throws RequestError where the text is nested too
 * deeply, or has more in it than it costs a moment to parse: before anything was parsed. What is no JSON passes.
 */
export async function scanJson(bytes: Uint8Array): Promise<number> {
  let [depth, members, containers, commas] = [0, 0, 0, 0];
  let sliceEnd = SLICE;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) at = endOfBytes(bytes, at);
    else if (byte === COMMA) commas++;
    else if (byte === COLON) members++;
    else if ((byte | BRACE_BIT) === OPENING) {
      containers++;
      depth++;
      if (depth > MAX_DEPTH) failOnDepth();
    } else if ((byte | BRACE_BIT) === CLOSING) depth--;
    if (at < sliceEnd) continue;
    failOnTooMuch(members + containers, commas);
    sliceEnd = at + SLICE;
    await new Promise(setImmediate);
  }
  failOnTooMuch(members + containers, commas);
  return members;
}

export function failOnDepth(): never {
  return fail('VALIDATION_OUT_OF_RANGE', `The body is nested deeper than ${MAX_DEPTH} levels`);
}

function failOnTooMuch(parts: number, commas: number): void {
  const { jsonParts, jsonValues } = LIMITS;
  if (parts > jsonParts)
    fail('VALIDATION_OUT_OF_RANGE', `The body has more than ${jsonParts} objects, arrays and members`);
  if (commas >= jsonValues) fail('VALIDATION_OUT_OF_RANGE', `The body has more than ${jsonValues} values`);
}

/** Where the string ends that begins at `start`. */
function endOfBytes(bytes: Uint8Array, start: number): number {
  const nearBy = Math.min(start + SHORT, bytes.length);
  let at = start + 1;
  for (; at < nearBy; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH) at++;
  }
  for (let end = bytes.indexOf(QUOTE, at); end !== -1; end = bytes.indexOf(QUOTE, end + 1)) {
    let backslashes = 0;
    while (end - 1 - backslashes >= at && bytes[end - 1 - backslashes] === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return bytes.length;
}

/** How many members the objects in a JSON text have, those with a name that was there before included. */
export function pairsIn(json: string): number {
  let pairs = 0;
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === COLON) pairs++;
    else if (code === QUOTE) at = endOfString(json, at);
  }
  return pairs;
}

/** Where the string ends that begins at `start`. */
function endOfString(json: string, start: number): number {
  let end = json.indexOf('"', start + 1);
  while (end !== -1 && isEscaped(json, end)) end = json.indexOf('"', end + 1);
  return end === -1 ? json.length : end;
}

function isEscaped(json: string, at: number): boolean {
  let backslashes = 0;
  while (json.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++;
  return backslashes % 2 === 1;
}

/** The first name that an object in a JSON text has twice. */
export function duplicateKey(json: string): string | undefined {
  const objects: Set<string>[] = [];
  let text = '';
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (character === '{') objects.push(new Set());
    else if (character === '}') objects.pop();
    else if (character === '"') {
      const end = endOfString(json, at);
      text = json.slice(at, end + 1);
      at = end;
    } else if (character === ':') {
      const name = JSON.parse(text) as string;
      const names = objects.at(-1);
      if (names?.has(name)) return name;
      names?.add(name);
    }
  }
  return undefined;
}
