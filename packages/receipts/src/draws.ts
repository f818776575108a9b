import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes, hexToBytes } from '@noble/hashes/utils.js';
import { utf8 } from '@scure/base';

/*
 * Which receipts are verified is drawn after they were published: by the output of a verifiable random function over the
 * published tree, so that nobody can foresee it, and anybody can compute it again.
 */

/**
 * Returns the input of the function for a published tree.
 *
 * @param origin the name of the ledger
 * @param size the number of its entries
 * @param root the root over them, 64 hex digits
 */
export const drawInput = (origin: string, size: number, root: string): Uint8Array =>
  utf8.decode(`aitbc/draw/1\n${origin}\n${size}\n${root}\n`);

const NUMBER_BYTES = 6;

/**
 * Whether an entry is drawn: the first 48 bits of the SHA-256 over the output and the entry's leaf hash, as a fraction of
 * 2^48, are below the share.
 *
 * @param leafHash 64 hex digits
 */
export function isDrawn(output: Uint8Array, leafHash: string, share: number): boolean {
  const digest = sha256(concatBytes(output, hexToBytes(leafHash)));
  const number = digest.slice(0, NUMBER_BYTES).reduce((sum, byte) => sum * 256 + byte, 0);
  return number / 256 ** NUMBER_BYTES < share;
}
