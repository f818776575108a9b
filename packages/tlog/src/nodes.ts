import { TlogError } from './errors.ts';
import { HASH_BYTES, isHash, joinSubtrees } from './hashing.ts';

/**
 * The place of a complete subtree, which is over the leaves from index · 2^level up to (index + 1) · 2^level.
 */
export interface NodeId {
  /** 0 for leaves. */
  readonly level: number;
  /** The index within the level, from 0. */
  readonly index: number;
}

/** A complete subtree. Its hash never changes, however the tree grows. */
export interface TreeNode extends NodeId {
  /** 32 bytes. */
  readonly hash: Uint8Array;
}

/**
 * Reads the hashes of complete subtrees, 32 bytes each, in the order of the request; undefined for a missing
 * one. It is called once for each proof, with at most a few hundred nodes.
 */
export type NodeReader = (
  nodes: readonly NodeId[],
) => readonly (Uint8Array | undefined)[] | Promise<readonly (Uint8Array | undefined)[]>;

/**
 * The leaves from `begin` up to `end`. `begin` must be a multiple of a power of two that is at least their
 * number.
 */
export type Span = readonly [begin: number, end: number];

/** Returns the complete subtrees of a span, from left to right and largest first. */
export function subtreesOf([begin, end]: Span): NodeId[] {
  const nodes: NodeId[] = [];
  let start = begin;
  for (let level = highestBit(end - begin); start < end; level--) {
    const width = 2 ** level;
    if (start + width > end) continue;
    nodes.push({ level, index: start / width });
    start += width;
  }
  return nodes;
}

/** Returns the Merkle tree hash of each span. It calls the reader once. */
export async function hashSpans(spans: readonly Span[], read: NodeReader): Promise<Uint8Array[]> {
  const groups = spans.map(subtreesOf);
  const hashes = await readNodes(groups.flat(), read);
  let taken = 0;
  return groups.map(({ length }) => {
    taken += length;
    return joinSubtrees(hashes.slice(taken - length, taken));
  });
}

/** @throws TlogError MISSING_NODE that names the first missing node */
export async function readNodes(nodes: readonly NodeId[], read: NodeReader): Promise<Uint8Array[]> {
  const hashes = nodes.length === 0 ? [] : await read(nodes);
  return nodes.map(({ level, index }, position) => {
    const hash = hashes[position];
    if (isHash(hash)) return hash;
    throw new TlogError('MISSING_NODE', `No ${HASH_BYTES} bytes for node ${index} of level ${level}`);
  });
}

/** @throws RangeError unless the value is a number of leaves */
export function checkSize(size: number): void {
  if (!isCount(size)) throw new RangeError(`${size} is no tree size: an integer from 0 to 2^53 - 1`);
}

export function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Returns where a tree of at least two leaves splits: the largest power of two below their number. */
export function splitPoint(leaves: number): number {
  return 2 ** highestBit(leaves - 1);
}

function highestBit(value: number): number {
  let level = 0;
  while (2 ** (level + 1) <= value) level++;
  return level;
}
