import { randomBytes } from 'node:crypto';
import { textOf } from '@aitbc/protocol';

/*
 * JSON within an answer that must be sent as it was written, which no value of JavaScript's stands for: a text stands
 * for it that nobody can guess, until the answer is written.
 */

const MARK = `raw-${randomBytes(16).toString('hex')}-`;
const MARKED = new RegExp(`"${MARK}((?:[^"\\\\]|\\\\.)*)"`, 'g');

/** The value, or what stands for it in an answer where the text that it was parsed from says more. */
export function raw(value: unknown): unknown {
  const text = textOf(value);
  if (text === undefined) return value;
  // An array stays one, for what writes answers by their schema.
  return Array.isArray(value) ? [MARK + text.slice(1, -1)] : MARK + text;
}

/** The answer as it is sent. */
export function fillRaw(json: string): string {
  if (!json.includes(MARK)) return json;
  return json.replaceAll(MARKED, (_, text: string) => JSON.parse(`"${text}"`) as string);
}
