import type { Receipt } from '@aitbc/protocol';
import { sha256 } from '@noble/hashes/sha2.js';
import { hex } from '@scure/base';

const SALT = /^[0-9a-f]{32}$/;
const utf8 = new TextEncoder();

/**
 * Returns the commitment to a text: the SHA-256 of the UTF-8 of the salt followed by the text, as 64
 * lower-case hex digits.
 *
 * @param salt the job's salt, 32 lower-case hex digits, hashed as text
 */
export function textHash(salt: string, text: string): string {
  return hex.encode(sha256(utf8.encode(salt + text)));
}

/** A receipt and the texts that the job's owner discloses. */
export interface Disclosure {
  receipt: Pick<Receipt, 'prompt_hash' | 'artifact_hash'>;
  salt: string;
  prompt?: string | undefined;
  result?: string | undefined;
}

/** Which disclosed texts match the receipt; null for one that was not disclosed. */
export interface DisclosureMatch {
  prompt: boolean | null;
  result: boolean | null;
}

/**
 * Compares disclosed texts with the hashes of a receipt. It does not check the receipt itself: see
 * `verifyReceipt`.
 *
 * Nothing matches under a salt that is not 32 lower-case hex digits: otherwise the end of the salt could be
 * passed off as the beginning of the text. A text with a lone surrogate never matches either, because it
 * shares its hash with other texts.
 */
export function verifyDisclosure({ receipt, salt, prompt, result }: Disclosure): DisclosureMatch {
  const matches = (text: string | undefined, hash: string) =>
    text === undefined ? null : SALT.test(salt) && text.isWellFormed() && textHash(salt, text) === hash;
  return { prompt: matches(prompt, receipt.prompt_hash), result: matches(result, receipt.artifact_hash) };
}
