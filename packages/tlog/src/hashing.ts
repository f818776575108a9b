import { sha256 } from '@noble/hashes/sha2.js';

export const HASH_BYTES = 32;
const LEAF = Uint8Array.of(0x00);
const NODE = Uint8Array.of(0x01);

/** Returns the hash of a leaf (RFC 6962 section 2.1): SHA-256 of a byte 0 and the entry. */
export function leafHash(entry: Uint8Array): Uint8Array {
  return sha256.create().update(LEAF).update(entry).digest();
}

/**
 * Returns the hash of an inner node (RFC 6962 section 2.1): SHA-256 of a byte 1 and its children's hashes.
 */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256.create().update(NODE).update(left).update(right).digest();
}

/**
 * Returns the root over adjacent complete subtrees, each smaller than the one to its left. It joins the
 * smallest two first, because the left branch of a tree is the largest complete subtree. Without any subtrees
 * it is the SHA-256 of nothing.
 */
export function joinSubtrees(hashes: readonly Uint8Array[]): Uint8Array {
  if (hashes.length === 0) return sha256(new Uint8Array());
  return hashes.reduceRight((right, left) => nodeHash(left, right));
}

export function isHash(value: Uint8Array | undefined): value is Uint8Array {
  return value?.length === HASH_BYTES;
}

export function equalHashes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
