import { isHash, joinSubtrees, nodeHash } from './hashing.ts';
import { checkSize, type NodeId, type NodeReader, readNodes, subtreesOf, type TreeNode } from './nodes.ts';

/**
 * The right edge of a tree, which is all that appending to it needs: the compact range from leaf 0 on, with
 * one complete subtree for each bit set in the size.
 */
export interface CompactRange {
  /** The number of leaves. */
  readonly size: number;
  /** The hashes of {@link compactRangeNodes}, in that order. */
  readonly hashes: readonly Uint8Array[];
}

export interface Appended {
  /** The tree with the new leaves. */
  range: CompactRange;
  /** Its root, 32 bytes. */
  root: Uint8Array;
  /** Every new complete subtree, including the leaves: about two for each leaf. Store these. */
  nodes: TreeNode[];
}

/**
 * Returns the complete subtrees at the right edge of a tree, from left to right and largest first; none for
 * size 0.
 */
export function compactRangeNodes(size: number): NodeId[] {
  checkSize(size);
  return subtreesOf([0, size]);
}

/**
 * Reads the right edge of a tree whose complete subtrees are stored.
 *
 * @throws TlogError MISSING_NODE
 */
export async function readCompactRange(size: number, read: NodeReader): Promise<CompactRange> {
  return { size, hashes: await readNodes(compactRangeNodes(size), read) };
}

/**
 * Appends leaves to a tree.
 *
 * @param range `{ size: 0, hashes: [] }` for an empty tree
 * @param leafHashes 32 bytes each, see `leafHash`
 * @throws RangeError for a range that lacks hashes, for hashes of another length, and beyond 2^53 - 1
 * leaves
 */
export function appendLeafHashes(range: CompactRange, leafHashes: readonly Uint8Array[]): Appended {
  checkSize(range.size + leafHashes.length);
  const edge = edgeOf(range);
  const nodes: TreeNode[] = [];
  leafHashes.forEach((hash, position) => {
    if (!isHash(hash)) throw new RangeError('A leaf hash has 32 bytes');
    let node: TreeNode = { level: 0, index: range.size + position, hash };
    nodes.push(node);
    for (let left = edge.at(-1); left?.level === node.level; left = edge.at(-1)) {
      edge.pop();
      const index = (node.index - 1) / 2;
      node = { level: node.level + 1, index, hash: nodeHash(left.hash, node.hash) };
      nodes.push(node);
    }
    edge.push(node);
  });
  const hashes = edge.map(({ hash }) => hash);
  return { range: { size: range.size + leafHashes.length, hashes }, root: joinSubtrees(hashes), nodes };
}

/**
 * Returns the root of the tree over leaves (RFC 6962 section 2.1); the SHA-256 of nothing when there are
 * none.
 *
 * @param leafHashes 32 bytes each, see `leafHash`
 */
export function merkleRoot(leafHashes: readonly Uint8Array[]): Uint8Array {
  return appendLeafHashes({ size: 0, hashes: [] }, leafHashes).root;
}

function edgeOf({ size, hashes }: CompactRange): TreeNode[] {
  const nodes = compactRangeNodes(size);
  if (hashes.length !== nodes.length || !hashes.every(isHash)) {
    throw new RangeError(`The right edge of a tree of size ${size} has ${nodes.length} hashes of 32 bytes`);
  }
  return nodes.flatMap((node, position) => {
    const hash = hashes[position];
    return hash ? [{ ...node, hash }] : [];
  });
}
