import { readFile } from 'node:fs/promises';
import { parseStrictJson } from '@aitbc/receipts';
import { CommandFailure, message } from './failure.ts';

/** The text of a file that the user has named. */
export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new CommandFailure(`${path} can not be read: ${message(error)}`);
  }
}

/**
 * Strict, as a text that repeats a field would show other readers something else than it shows here.
 *
 * @param origin where the text is from
 */
export function parseJson(text: string, origin: string): unknown {
  try {
    return parseStrictJson(text.replace(/^\ufeff/, ''));
  } catch (error) {
    throw new CommandFailure(`${origin} is not JSON that a receipt can be read from: ${message(error)}`);
  }
}
