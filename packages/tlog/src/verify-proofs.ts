import { equalHashes, isHash, joinSubtrees, nodeHash } from './hashing.ts';
import { isCount } from './nodes.ts';

export interface InclusionClaim {
  /** The index of the leaf, from 0. */
  index: number;
  /** The number of leaves of the tree. */
  size: number;
  /** 32 bytes, see `leafHash`. */
  leafHash: Uint8Array;
  /** Hashes of 32 bytes, see `inclusionProof`. */
  proof: readonly Uint8Array[];
  /** The root of the tree, 32 bytes, from a trusted checkpoint. */
  root: Uint8Array;
}

/**
 * Whether the leaf has this index in the tree (RFC 9162 section 2.1.3.2). Returns false, and never throws,
 * for invalid indexes, sizes and hashes.
 */
export function verifyInclusion({ index, size, leafHash, proof, root }: InclusionClaim): boolean {
  if (!isCount(index) || !isCount(size) || index >= size) return false;
  if (!isHash(leafHash) || !isHash(root) || !proof.every(isHash)) return false;
  const path = pathOf(index, size - 1);
  let hash = leafHash;
  for (const sibling of proof) {
    const side = path.next();
    if (side === undefined) return false;
    hash = side === 'left' ? nodeHash(sibling, hash) : nodeHash(hash, sibling);
  }
  return path.isAtRoot() && equalHashes(hash, root);
}

export interface ConsistencyClaim {
  /** The number of leaves of the older tree. */
  from: number;
  /** The number of leaves of the newer tree. */
  to: number;
  /** The root of the older tree, 32 bytes. */
  fromRoot: Uint8Array;
  /** The root of the newer tree, 32 bytes. */
  toRoot: Uint8Array;
  /** Hashes of 32 bytes, see `consistencyProof`. */
  proof: readonly Uint8Array[];
}

/**
 * Whether the newer tree begins with the older one (RFC 9162 section 2.1.4.2). An empty tree begins every
 * tree, with an empty proof; trees of equal size are consistent when their roots are equal. Returns false,
 * and never throws, for invalid sizes and hashes.
 */
export function verifyConsistency({ from, to, fromRoot, toRoot, proof }: ConsistencyClaim): boolean {
  if (!isCount(from) || !isCount(to) || from > to) return false;
  if (!isHash(fromRoot) || !isHash(toRoot) || !proof.every(isHash)) return false;
  if (from === 0 && !equalHashes(fromRoot, joinSubtrees([]))) return false;
  if (from === to) return proof.length === 0 && equalHashes(fromRoot, toRoot);
  if (from === 0) return proof.length === 0;
  return verifyGrowth({ from, to, fromRoot, toRoot, proof });
}

/** Runs the loop of the RFC, for 0 < from < to. */
function verifyGrowth({ from, to, fromRoot, toRoot, proof }: ConsistencyClaim): boolean {
  const [start = fromRoot, ...rest] = isPowerOfTwo(from) ? [fromRoot, ...proof] : proof;
  const path = pathOf(from - 1, to - 1);
  path.skipComplete();
  let [older, newer] = [start, start];
  for (const sibling of rest) {
    const side = path.next();
    if (side === undefined) return false;
    if (side === 'left') [older, newer] = [nodeHash(sibling, older), nodeHash(sibling, newer)];
    else newer = nodeHash(newer, sibling);
  }
  return path.isAtRoot() && equalHashes(older, fromRoot) && equalHashes(newer, toRoot);
}

/**
 * Walks from a node up to the root, given its index and that of its level's last node: `fn` and `sn` of RFC
 * 9162. It halves numbers, because shifts would cut them to 32 bits.
 */
function pathOf(index: number, last: number) {
  let [fn, sn] = [index, last];
  const up = () => {
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  };
  return {
    isAtRoot: () => sn === 0,
    /** Goes up to the largest complete subtree that ends with the node. */
    skipComplete() {
      while (fn % 2 === 1) up();
    },
    /** Returns the side of the next sibling; undefined at the root. */
    next(): 'left' | 'right' | undefined {
      if (sn === 0) return undefined;
      const isLeft = fn % 2 === 1 || fn === sn;
      // A last node without a sibling is also its own parent, until a level where it has a sibling.
      if (isLeft) while (fn % 2 === 0 && fn !== 0) up();
      up();
      return isLeft ? 'left' : 'right';
    },
  };
}

function isPowerOfTwo(value: number): boolean {
  return Number.isInteger(Math.log2(value)) && 2 ** Math.log2(value) === value;
}
