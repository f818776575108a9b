import { randomBytes } from 'node:crypto';
import { textOf } from '@aitbc/protocol';

/*
 * Some JSON within a response must be sent exactly as the client wrote it, which JavaScript values can't represent. A
 * placeholder that nobody can guess stands for it until the response is serialized.
 */

const MARK = `raw-${randomBytes(16).toString('hex')}-`;
const MARKED = new RegExp(`"${MARK}((?:[^"\\\\]|\\\\.)*)"`, 'g');

/** Returns the value, or a placeholder where the text that it was parsed from has to be sent. */
export function raw(value: unknown): unknown {
  const text = textOf(value);
  if (text === undefined) return value;
  // The placeholder of an array is an array, as the response's schema requires.
  return Array.isArray(value) ? [MARK + text.slice(1, -1)] : MARK + text;
}

/** Replaces the placeholders in a serialized response by their texts. */
export function fillRaw(json: string): string {
  if (!json.includes(MARK)) return json;
  return json.replaceAll(MARKED, (_, text: string) => JSON.parse(`"${text}"`) as string);
}
