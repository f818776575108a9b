import { readFile } from 'node:fs/promises';
import { parseStrictJson } from '@aitbc/receipts';
import { CommandFailure, message } from './failure.ts';

/** Reads a text file that the user has named. */
export async function readTextFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new CommandFailure(`${path} can not be read: ${message(error)}`);
  }
}

/**
 * Parses JSON strictly. A text that repeats a field could show other readers another value than this one.
 *
 * @param origin where the text is from, for errors
 */
export function parseReceiptJson(text: string, origin: string): unknown {
  try {
    return parseStrictJson(text.replace(/^\ufeff/, ''));
  } catch (error) {
    throw new CommandFailure(`${origin} is not valid JSON for a receipt: ${message(error)}`);
  }
}
