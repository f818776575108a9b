import type { Receipt } from '@aitbc/protocol';
import { sha256 } from '@noble/hashes/sha2.js';
import { hex } from '@scure/base';

const SALT = /^[0-9a-f]{32}$/;
const utf8 = new TextEncoder();

/**
 * The commitment to a text: hex SHA-256 (64 small digits) of the UTF-8 of salt and text, one after the other.
 *
 * @param salt the job's, 32 small hex digits, used as text
 */
export function textHash(salt: string, text: string): string {
  return hex.encode(sha256(utf8.encode(salt + text)));
}

/** A receipt and what its owner has disclosed of the job. */
export interface Disclosure {
  receipt: Pick<Receipt, 'prompt_hash' | 'artifact_hash'>;
  /** The job's `salt`. */
  salt: string;
  prompt?: string | undefined;
  result?: string | undefined;
}

/** Which disclosed texts are those of the receipt; null for one that was not disclosed. */
export interface DisclosureMatch {
  prompt: boolean | null;
  result: boolean | null;
}

/**
 * Compares disclosed texts with the hashes of a receipt. Says nothing of the receipt itself: see `verifyReceipt`.
 *
 * Nothing matches under a salt that is not 32 small hex digits: else the end of the salt could be passed off as the
 * beginning of the text. Nor does a text with a lone surrogate, which has the hash of other texts too.
 */
export function verifyDisclosure({ receipt, salt, prompt, result }: Disclosure): DisclosureMatch {
  const matches = (text: string | undefined, hash: string) =>
    text === undefined ? null : SALT.test(salt) && text.isWellFormed() && textHash(salt, text) === hash;
  return { prompt: matches(prompt, receipt.prompt_hash), result: matches(result, receipt.artifact_hash) };
}
