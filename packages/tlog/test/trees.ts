import { createHash } from 'node:crypto';
import { appendLeafHashes, leafHash, type NodeId, type NodeReader } from '../src/index.ts';

const utf8 = new TextEncoder();

export const EMPTY_ROOT = new Uint8Array(createHash('sha256').digest());

/** Returns leaf hashes of distinct entries. */
export function leaves(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => leafHash(utf8.encode(`entry ${index}`)));
}

/** Builds a tree in batches and keeps its complete subtrees as a database would. */
export function storedTree(leafHashes: readonly Uint8Array[], batches: readonly number[] = []) {
  const stored = new Map<string, Uint8Array>();
  let appended = appendLeafHashes({ size: 0, hashes: [] }, []);
  const append = (batch: readonly Uint8Array[]) => {
    appended = appendLeafHashes(appended.range, batch);
    for (const { level, index, hash } of appended.nodes) {
      const key = `${level}/${index}`;
      if (stored.has(key)) throw new Error(`Node ${key} is made twice`);
      stored.set(key, hash);
    }
  };
  for (const count of batches) append(leafHashes.slice(appended.range.size, appended.range.size + count));
  append(leafHashes.slice(appended.range.size));
  const find = ({ level, index }: NodeId) => stored.get(`${level}/${index}`);
  const read: NodeReader = nodes => nodes.map(find);
  return { ...appended, stored, read };
}

/** Yields copies of the hashes, each with one other bit flipped. */
export function* withFlippedBits(hashes: readonly Uint8Array[], bit: number): Generator<Uint8Array[]> {
  for (const [position, hash] of hashes.entries()) {
    const flipped = Uint8Array.from(hash);
    flipped[bit >> 3] = (hash[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    yield hashes.with(position, flipped);
  }
}
