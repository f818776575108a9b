import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  consistencyProof,
  inclusionProof,
  merkleRoot,
  type NodeId,
  nodeHash,
  rootAt,
  verifyConsistency,
  verifyInclusion,
} from '../src/index.ts';
import { EMPTY_ROOT, leaves, storedTree, withFlippedBits } from './trees.ts';

const RUNS = { numRuns: 60 };
const PAIRS_UP_TO = 70;
const LEAVES = leaves(601);
const TREE = storedTree(LEAVES);
const ROOTS = Array.from({ length: PAIRS_UP_TO + 1 }, (_, size) => merkleRoot(LEAVES.slice(0, size)));
const rootOf = (size: number) => ROOTS[size] ?? EMPTY_ROOT;

const size = fc.integer({ min: 1, max: 600 });
const bit = fc.nat(255);
/** Generates the size of a tree, and a leaf in it. */
const place = size.chain(size => fc.record({ size: fc.constant(size), index: fc.nat(size - 1) }));
/** Generates two sizes, the first smaller. */
const growth = place.map(({ size, index }) => ({ from: index + 1, to: size + 1 }));

test('every leaf of every tree has its proof, and at no other place', async () => {
  for (let size = 1; size <= PAIRS_UP_TO; size++) {
    for (let index = 0; index < size; index++) {
      const leafHash = LEAVES[index] ?? EMPTY_ROOT;
      const proof = await inclusionProof(index, size, TREE.read);
      const inclusion = { index, size, leafHash, proof, root: rootOf(size) };
      expect(verifyInclusion(inclusion)).toBe(true);
      const others = [index - 1, index + 1, size - 1 - index].filter(other => other !== index);
      expect(others.map(index => verifyInclusion({ ...inclusion, index }))).not.toContain(true);
    }
  }
});

test('of every two sizes the trees are consistent', async () => {
  for (let to = 0; to <= PAIRS_UP_TO; to++) {
    for (let from = 0; from <= to; from++) {
      const proof = await consistencyProof(from, to, TREE.read);
      const consistency = { from, to, fromRoot: rootOf(from), toRoot: rootOf(to), proof };
      expect(verifyConsistency(consistency)).toBe(true);
    }
  }
});

test('no inclusion survives a change', async () => {
  await fc.assert(
    fc.asyncProperty(place, fc.nat(601), bit, async ({ size, index }, other, bit) => {
      const leafHash = LEAVES[index] ?? EMPTY_ROOT;
      const proof = await inclusionProof(index, size, TREE.read);
      const genuine = { index, size, leafHash, proof, root: await rootAt(size, TREE.read) };
      expect(verifyInclusion(genuine)).toBe(true);
      const changed = [
        ...(other === index ? [] : [{ ...genuine, index: other }]),
        // Only the checkpoint's root binds the size: a tree of another size but the same depth can have the
        // same path.
        ...(other === size ? [] : [{ ...genuine, size: other, root: await rootAt(other, TREE.read) }]),
        ...[...withFlippedBits([leafHash], bit)].map(([leafHash = EMPTY_ROOT]) => ({ ...genuine, leafHash })),
        ...[...withFlippedBits([genuine.root], bit)].map(([root = EMPTY_ROOT]) => ({ ...genuine, root })),
        ...changesOf(proof, bit).map(proof => ({ ...genuine, proof })),
      ];
      expect(changed.map(verifyInclusion)).not.toContain(true);
    }),
    RUNS,
  );
});

test('no consistency survives a change', async () => {
  await fc.assert(
    fc.asyncProperty(growth, fc.nat(601), bit, async ({ from, to }, other, bit) => {
      const [fromRoot, toRoot] = await Promise.all([rootAt(from, TREE.read), rootAt(to, TREE.read)]);
      const proof = await consistencyProof(from, to, TREE.read);
      const genuine = { from, to, fromRoot, toRoot, proof };
      expect(verifyConsistency(genuine)).toBe(true);
      const otherRoot = await rootAt(other, TREE.read);
      const changed = [
        ...(other === from || other === 0 ? [] : [{ ...genuine, from: other, fromRoot: otherRoot }]),
        ...(other === to ? [] : [{ ...genuine, to: other, toRoot: otherRoot }]),
        { ...genuine, fromRoot: toRoot, toRoot: fromRoot },
        ...[...withFlippedBits([fromRoot], bit)].map(([fromRoot = EMPTY_ROOT]) => ({ ...genuine, fromRoot })),
        ...[...withFlippedBits([toRoot], bit)].map(([toRoot = EMPTY_ROOT]) => ({ ...genuine, toRoot })),
        ...changesOf(proof, bit).map(proof => ({ ...genuine, proof })),
      ];
      expect(changed.map(verifyConsistency)).not.toContain(true);
    }),
    RUNS,
  );
});

/**
 * Returns a proof with a bit flipped in each hash, with each hash left out, with one more, and with every
 * pair swapped.
 */
function changesOf(proof: readonly Uint8Array[], bit: number): Uint8Array[][] {
  const without = proof.map((_, position) => proof.toSpliced(position, 1));
  const swapped = proof.slice(1).map((hash, position) => {
    return proof.with(position, hash).with(position + 1, proof[position] ?? EMPTY_ROOT);
  });
  const longer = [0, proof.length].map(position => proof.toSpliced(position, 0, EMPTY_ROOT));
  const short = proof.map((hash, position) => proof.with(position, hash.slice(1)));
  return [...withFlippedBits(proof, bit), ...without, ...swapped, ...longer, ...short];
}

test('an empty tree begins every tree, by an empty proof', () => {
  const consistency = { from: 0, to: 5, fromRoot: EMPTY_ROOT, toRoot: rootOf(5), proof: [] };
  expect(verifyConsistency(consistency)).toBe(true);
  expect(verifyConsistency({ ...consistency, proof: [rootOf(5)] })).toBe(false);
  expect(verifyConsistency({ ...consistency, fromRoot: rootOf(5) })).toBe(false);
});

test('trees of equal size are consistent when they are equal, by an empty proof', () => {
  const consistency = { from: 5, to: 5, fromRoot: rootOf(5), toRoot: rootOf(5), proof: [] };
  expect(verifyConsistency(consistency)).toBe(true);
  expect(verifyConsistency({ ...consistency, proof: [rootOf(5)] })).toBe(false);
  expect(verifyConsistency({ ...consistency, toRoot: rootOf(4) })).toBe(false);
});

test('a tree of size 0 is the empty one', () => {
  const consistency = { from: 0, to: 0, fromRoot: EMPTY_ROOT, toRoot: EMPTY_ROOT, proof: [] };
  expect(verifyConsistency(consistency)).toBe(true);
  expect(verifyConsistency({ ...consistency, fromRoot: rootOf(1), toRoot: rootOf(1) })).toBe(false);
});

test('growth is not proved by nothing', () => {
  const consistency = { from: 4, to: 5, fromRoot: rootOf(4), toRoot: rootOf(4), proof: [] };
  expect(verifyConsistency(consistency)).toBe(false);
});

test.each([[-1], [0.5], [Number.NaN], [Infinity], [2 ** 53]])('%d is no size and no index', async number => {
  const [leafHash = EMPTY_ROOT] = leaves(1);
  expect(verifyInclusion({ index: number, size: 1, leafHash, proof: [], root: leafHash })).toBe(false);
  expect(verifyInclusion({ index: 0, size: number, leafHash, proof: [], root: leafHash })).toBe(false);
  const roots = { fromRoot: leafHash, toRoot: leafHash, proof: [] };
  expect(verifyConsistency({ from: number, to: number, ...roots })).toBe(false);
  await expect(rootAt(number, TREE.read)).rejects.toThrow(RangeError);
  await expect(inclusionProof(number, 1, TREE.read)).rejects.toThrow(RangeError);
  await expect(consistencyProof(number, 1, TREE.read)).rejects.toThrow(RangeError);
});

test('what is not in the tree has no proof', async () => {
  await expect(inclusionProof(5, 5, TREE.read)).rejects.toThrow('A tree of size 5 has no leaf 5');
  await expect(consistencyProof(6, 5, TREE.read)).rejects.toThrow(RangeError);
});

test('a proof asks for all its nodes at once, and for no more than it needs', async () => {
  const asked: (readonly NodeId[])[] = [];
  const read = async (nodes: readonly NodeId[]) => {
    asked.push(nodes);
    return await TREE.read(nodes);
  };
  await inclusionProof(0, 600, read);
  await consistencyProof(512, 600, read);
  expect(asked.map(nodes => nodes.length)).toEqual([12, 3]);
});

test('a node that is not stored is named', async () => {
  const lacking = { code: 'MISSING_NODE', message: 'No 32 bytes for node 1 of level 0' };
  await expect(inclusionProof(0, 2, () => [])).rejects.toMatchObject(lacking);
  await expect(inclusionProof(0, 2, () => [new Uint8Array(31)])).rejects.toMatchObject(lacking);
});

test('proofs verify in trees that 32 bits can not count', async () => {
  // All leaves are alike, so all nodes of a level are alike too.
  const levels = leaves(1);
  while (levels.length < 54) levels.push(nodeHash(levels.at(-1) ?? EMPTY_ROOT, levels.at(-1) ?? EMPTY_ROOT));
  const read = (nodes: readonly NodeId[]) => nodes.map(({ level }) => levels[level]);
  const [leafHash = EMPTY_ROOT] = levels;
  const [from, to] = [2 ** 45 + 5, 2 ** 53 - 1];
  const [fromRoot, toRoot] = [await rootAt(from, read), await rootAt(to, read)];
  for (const index of [0, 5, 2 ** 33, 2 ** 45 + 4, 2 ** 53 - 2]) {
    const proof = await inclusionProof(index, to, read);
    expect(verifyInclusion({ index, size: to, leafHash, proof, root: toRoot })).toBe(true);
  }
  const proof = await consistencyProof(from, to, read);
  expect(verifyConsistency({ from, to, fromRoot, toRoot, proof })).toBe(true);
  expect(verifyConsistency({ from: 5, to, fromRoot, toRoot, proof })).toBe(false);
});

test('a leaf is not proved in a tree that is said to be smaller than its proof', () => {
  const [left = EMPTY_ROOT, right = EMPTY_ROOT] = leaves(2);
  const inclusion = { index: 0, leafHash: right, proof: [left], root: nodeHash(left, right) };
  expect(verifyInclusion({ ...inclusion, index: 1, size: 2 })).toBe(true);
  expect(verifyInclusion({ ...inclusion, size: 1 })).toBe(false);
});

test('trees are not consistent at another size than the proof reaches', async () => {
  const proof = await consistencyProof(3, 4, TREE.read);
  const consistency = { from: 3, fromRoot: rootOf(3), toRoot: rootOf(4), proof };
  expect(verifyConsistency({ ...consistency, to: 4 })).toBe(true);
  expect([5, 8, 70].map(to => verifyConsistency({ ...consistency, to }))).not.toContain(true);
});

test('bytes that are cut at another place are other hashes', () => {
  const bytes = Uint8Array.of(...rootOf(1), ...rootOf(2));
  const [leafHash, sibling] = [bytes.subarray(0, 31), bytes.subarray(31)];
  const root = nodeHash(leafHash, sibling);
  expect(verifyInclusion({ index: 0, size: 2, leafHash, proof: [sibling], root })).toBe(false);
  const [fromRoot, toRoot] = [leafHash, root];
  expect(verifyConsistency({ from: 1, to: 2, fromRoot, toRoot, proof: [sibling] })).toBe(false);
});
