import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  appendLeafHashes,
  compactRangeNodes,
  leafHash,
  merkleRoot,
  nodeHash,
  readCompactRange,
  rootAt,
} from '../src/index.ts';
import { EMPTY_ROOT, leaves, storedTree } from './trees.ts';

const SIZES_UP_TO = 70;
const TREE = storedTree(leaves(SIZES_UP_TO));

/** Follows the definition of RFC 6962 section 2.1 word by word. */
function rootByDefinition(hashes: readonly Uint8Array[]): Uint8Array {
  if (hashes.length < 2) return hashes[0] ?? EMPTY_ROOT;
  let split = 1;
  while (split * 2 < hashes.length) split *= 2;
  return nodeHash(rootByDefinition(hashes.slice(0, split)), rootByDefinition(hashes.slice(split)));
}

test('a leaf is hashed with a byte 0 before it, a node with a byte 1', () => {
  const sha256 = (...parts: Uint8Array[]) =>
    new Uint8Array(createHash('sha256').update(Buffer.concat(parts)).digest());
  const [left, right] = [leafHash(Uint8Array.of(7)), leafHash(new Uint8Array())];
  expect(left).toEqual(sha256(Uint8Array.of(0, 7)));
  expect(right).toEqual(sha256(Uint8Array.of(0)));
  expect(nodeHash(left, right)).toEqual(sha256(Uint8Array.of(1), left, right));
});

test('a tree of any size has the root of the definition', () => {
  for (let size = 0; size <= SIZES_UP_TO; size++) {
    expect(merkleRoot(leaves(size))).toEqual(rootByDefinition(leaves(size)));
  }
});

test('appending in batches makes the same nodes and root as appending at once', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(70), { maxLength: 12 }), batches => {
      const hashes = leaves(batches.reduce((sum, count) => sum + count, 0));
      const [piecemeal, whole] = [storedTree(hashes, batches), storedTree(hashes)];
      expect(piecemeal.stored).toEqual(whole.stored);
      expect(piecemeal.range).toEqual(whole.range);
      expect(piecemeal.root).toEqual(rootByDefinition(hashes));
    }),
    { numRuns: 60 },
  );
});

test('a tree of 600 leaves stores each complete subtree once, with its root', () => {
  const hashes = leaves(600);
  const { stored } = storedTree(hashes);
  expect(stored.size).toBe(2 * 600 - compactRangeNodes(600).length);
  for (const [key, hash] of stored) {
    const [level = 0, index = 0] = key.split('/').map(Number);
    const covered = hashes.slice(index * 2 ** level, (index + 1) * 2 ** level);
    expect(covered).toHaveLength(2 ** level);
    expect(hash).toEqual(rootByDefinition(covered));
  }
});

test('the right edge has a node for each bit that is set in the size', () => {
  expect(compactRangeNodes(0)).toEqual([]);
  expect(compactRangeNodes(7)).toEqual([
    { level: 2, index: 0 },
    { level: 1, index: 2 },
    { level: 0, index: 6 },
  ]);
  expect(compactRangeNodes(2 ** 53 - 1)).toHaveLength(53);
});

test('a tree grows on from its stored right edge', async () => {
  const hashes = leaves(601);
  const { read, root } = storedTree(hashes);
  const edge = await readCompactRange(333, read);
  expect(appendLeafHashes(edge, hashes.slice(333)).root).toEqual(root);
});

test('a tree grows beyond 32 bits', () => {
  const size = 2 ** 40 - 1;
  const edge = { size, hashes: compactRangeNodes(size).map(({ level }) => leaves(41)[level] ?? EMPTY_ROOT) };
  const { range, nodes } = appendLeafHashes(edge, leaves(1));
  expect(range.size).toBe(2 ** 40);
  expect(range.hashes).toHaveLength(1);
  expect(nodes.at(0)).toMatchObject({ level: 0, index: size });
  expect(nodes.at(-1)).toMatchObject({ level: 40, index: 0 });
});

test.each([
  ['without the hashes of its edge', { size: 3, hashes: leaves(1) }, leaves(1)],
  ['with more than these', { size: 2, hashes: leaves(2) }, leaves(1)],
  ['with a short hash', { size: 1, hashes: [new Uint8Array(31)] }, leaves(1)],
  ['with a leaf that is no hash', { size: 0, hashes: [] }, [new Uint8Array(33)]],
  ['of negative size', { size: -1, hashes: [] }, leaves(1)],
  ['of half a leaf', { size: 0.5, hashes: [] }, leaves(1)],
  ['that can not be counted any more', { size: 2 ** 53 - 1, hashes: leaves(53) }, leaves(1)],
])('nothing is appended to a tree %s', (_, range, added) => {
  expect(() => appendLeafHashes(range, added)).toThrow(RangeError);
});

test('every earlier root is read from what is stored', async () => {
  for (let size = 0; size <= SIZES_UP_TO; size++) {
    expect(await rootAt(size, TREE.read)).toEqual(merkleRoot(leaves(size)));
  }
});
