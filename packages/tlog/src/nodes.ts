import { TlogError } from './errors.ts';
import { HASH_BYTES, isHash, joinSubtrees } from './hashing.ts';

/** The place of a complete subtree: the one over the leaves from index · 2^level up to (index + 1) · 2^level. */
export interface NodeId {
  /** 0 for leaves. */
  readonly level: number;
  /** Counted from 0 within the level. */
  readonly index: number;
}

/** A complete subtree. Its hash never changes, however the tree grows. */
export interface TreeNode extends NodeId {
  /** 32 bytes. */
  readonly hash: Uint8Array;
}

/**
 * Reads the hashes of complete subtrees, 32 bytes each, in the order in which they are asked for; undefined for one
 * that is not there. Called once for each proof, with at most some hundred nodes.
 */
export type NodeReader = (
  nodes: readonly NodeId[],
) => readonly (Uint8Array | undefined)[] | Promise<readonly (Uint8Array | undefined)[]>;

/** Leaves from `begin` up to `end`, where `begin` is a multiple of a power of two that is at least their number. */
export type Span = readonly [begin: number, end: number];

/** The complete subtrees that a span is made of, from left to right and largest first. */
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

/** The Merkle tree hash of each span, by one call of the reader. */
export async function hashSpans(spans: readonly Span[], read: NodeReader): Promise<Uint8Array[]> {
  const groups = spans.map(subtreesOf);
  const hashes = await readNodes(groups.flat(), read);
  let taken = 0;
  return groups.map(({ length }) => {
    taken += length;
    return joinSubtrees(hashes.slice(taken - length, taken));
  });
}

/** @throws TlogError MISSING_NODE that names the first one */
export async function readNodes(nodes: readonly NodeId[], read: NodeReader): Promise<Uint8Array[]> {
  const hashes = nodes.length === 0 ? [] : await read(nodes);
  return nodes.map(({ level, index }, position) => {
    const hash = hashes[position];
    if (isHash(hash)) return hash;
    throw new TlogError('MISSING_NODE', `No ${HASH_BYTES} bytes for node ${index} of level ${level}`);
  });
}

/** @throws RangeError for anything but a number of leaves */
export function checkSize(size: number): void {
  if (!isCount(size)) throw new RangeError(`${size} is no tree size: an integer from 0 to 2^53 - 1`);
}

export function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Where the tree over so many leaves, at least two, splits: the largest power of two below it. */
export function splitPoint(leaves: number): number {
  return 2 ** highestBit(leaves - 1);
}

function highestBit(value: number): number {
  let level = 0;
  while (2 ** (level + 1) <= value) level++;
  return level;
}
