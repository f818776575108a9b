import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeEntryBundle,
  decodeTile,
  encodeEntryBundle,
  encodeTile,
  formatTilePath,
  MAX_ENTRY_BYTES,
  merkleRoot,
  nodesOfTiles,
  parseTilePath,
  partialTiles,
  tileNodes,
  tileWidth,
} from '../src/index.ts';
import { tlogError } from './ledger.ts';
import { leaves, storedTree } from './trees.ts';

const MALFORMED = tlogError('MALFORMED');
const BIG = storedTree(leaves(65537));
const paths = (size: number) => partialTiles(size).map(formatTilePath);

test.each([
  [0, []],
  [1, ['tile/0/000.p/1']],
  [2, ['tile/0/000.p/2']],
  [255, ['tile/0/000.p/255']],
  [256, ['tile/1/000.p/1']],
  [257, ['tile/0/001.p/1', 'tile/1/000.p/1']],
  [65536, ['tile/2/000.p/1']],
  [65537, ['tile/0/256.p/1', 'tile/2/000.p/1']],
  [70000, ['tile/0/273.p/112', 'tile/1/001.p/17', 'tile/2/000.p/1']],
])('a tree of size %i has its partial tiles', (size, expected) => {
  expect(paths(size)).toEqual(expected);
});

test.each([
  [0, 0, 0, 0],
  [0, 0, 255, 255],
  [0, 0, 256, 256],
  [0, 0, 65537, 256],
  [0, 1, 256, 0],
  [0, 1, 257, 1],
  [0, 273, 70000, 112],
  [0, 274, 70000, 0],
  [1, 0, 255, 0],
  [1, 0, 256, 1],
  [1, 0, 70000, 256],
  [1, 1, 70000, 17],
  [2, 0, 65535, 0],
  [2, 0, 65536, 1],
  [63, 0, 2 ** 53 - 1, 0],
])('the tile of level %i with index %i has, at size %i, the width %i', (level, index, size, width) => {
  expect(tileWidth({ level, index }, size)).toBe(width);
});

test('the tiles of a tree hold its complete subtrees, at every level', async () => {
  const read = nodesOfTiles(async tiles => {
    const widths = tiles
      .map(tile => ({ ...tile, width: tileWidth(tile, 65537) }))
      .filter(({ width }) => width > 0);
    return Promise.all(
      widths.map(async tile => (await BIG.read(tileNodes(tile))).filter(hash => hash !== undefined)),
    );
  });
  const nodes = Array.from({ length: 17 }, (_, level) => level).flatMap(level =>
    [0, 1, 2 ** (16 - level) - 1].map(index => ({ level, index })),
  );
  expect(await read(nodes)).toEqual(await BIG.read(nodes));
  expect(await read([{ level: 0, index: 65536 }])).toEqual(await BIG.read([{ level: 0, index: 65536 }]));
});

test.each([
  ['beyond the tree', { level: 0, index: 300 }],
  ['that is not complete yet', { level: 1, index: 149 }],
])('tiles hold no subtree %s', async (_, node) => {
  const tiles = new Map([
    [0, leaves(256)],
    [1, leaves(299).slice(256)],
  ]);
  const read = nodesOfTiles(ids => ids.map(({ level, index }) => (level === 0 && tiles.get(index)) || []));
  expect(await read([node, { level: 8, index: 0 }])).toEqual([undefined, undefined]);
});

test('a bundle of entries is as wide as the tile of level 0', () => {
  fc.assert(
    fc.property(fc.nat(300), fc.nat(80000), (index, size) => {
      expect(tileWidth({ level: 'entries', index }, size)).toBe(tileWidth({ level: 0, index }, size));
    }),
  );
});

test.each([[1], [2], [255], [256], [257], [65535], [65536], [65537]])(
  'the tiles of a tree of size %i hold what their definition says',
  async size => {
    const hashes = leaves(size);
    for (const tile of partialTiles(size)) {
      const level = Number(tile.level);
      const content = encodeTile(await storedHashes(tile));
      const span = 256 ** level;
      const expected = Array.from({ length: tile.width }, (_, entry) => {
        const start = (tile.index * 256 + entry) * span;
        return merkleRoot(hashes.slice(start, start + span));
      });
      expect(decodeTile(content, tile.width)).toEqual(expected);
    }
  },
);

test('a full tile hashes to the node of the tile above', async () => {
  const full = await storedHashes({ level: 0, index: 7, width: 256 });
  const above = await storedHashes({ level: 1, index: 0, width: 256 });
  expect(merkleRoot(full)).toEqual(above[7]);
});

async function storedHashes(tile: Parameters<typeof tileNodes>[0]): Promise<Uint8Array[]> {
  const hashes = await BIG.read(tileNodes(tile));
  return hashes.map(hash => hash ?? new Uint8Array());
}

test('the nodes of a tile stand at every eighth level of the tree', () => {
  expect(tileNodes({ level: 2, index: 3, width: 2 })).toEqual([
    { level: 16, index: 768 },
    { level: 16, index: 769 },
  ]);
});

test('a path that is read back is the same tile', () => {
  const level = fc.oneof(fc.nat(63), fc.constant('entries' as const));
  const tile = fc.record({ level, index: fc.nat(1e12), width: fc.integer({ min: 1, max: 256 }) });
  fc.assert(
    fc.property(tile, tile => {
      expect(parseTilePath(formatTilePath(tile))).toEqual(tile);
    }),
  );
});

test.each([
  ['level 64', { level: 64, index: 0, width: 1 }],
  ['a negative index', { level: 0, index: -1, width: 1 }],
  ['an index of which the hashes can not be counted', { level: 0, index: 2 ** 45, width: 1 }],
  ['width 0', { level: 0, index: 0, width: 0 }],
  ['width 257', { level: 0, index: 0, width: 257 }],
])('there is no tile with %s', (_, tile) => {
  expect(() => formatTilePath(tile)).toThrow(MALFORMED);
  expect(() => tileNodes(tile)).toThrow(MALFORMED);
});

test('a tile that there can not be has no width', () => {
  expect(() => tileWidth({ level: 64, index: 0 }, 1)).toThrow(MALFORMED);
  expect(() => tileWidth({ level: 0, index: 0 }, -1)).toThrow(RangeError);
});

test('a tile has 1 to 256 hashes of 32 bytes', () => {
  expect(() => encodeTile([])).toThrow(MALFORMED);
  expect(() => encodeTile(leaves(257))).toThrow(MALFORMED);
  expect(() => encodeTile([new Uint8Array(31)])).toThrow(MALFORMED);
});

test.each([
  [63, 2],
  [65, 2],
  [96, 2],
  [0, 0],
  [8224, 257],
])('%i bytes are no tile of width %i', (length, width) => {
  expect(() => decodeTile(new Uint8Array(length), width)).toThrow(MALFORMED);
});

test('entries that are read back from a bundle are the same', () => {
  const entries = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 256 });
  fc.assert(
    fc.property(entries, entries => {
      expect(decodeEntryBundle(encodeEntryBundle(entries), entries.length)).toEqual(entries);
    }),
  );
});

test('an entry is up to 65,535 bytes long', () => {
  const longest = new Uint8Array(MAX_ENTRY_BYTES).fill(7);
  expect(decodeEntryBundle(encodeEntryBundle([longest]), 1)).toEqual([longest]);
  expect(() => encodeEntryBundle([new Uint8Array(MAX_ENTRY_BYTES + 1)])).toThrow(MALFORMED);
});

test('a bundle has 1 to 256 entries', () => {
  expect(() => encodeEntryBundle([])).toThrow(MALFORMED);
  expect(() => encodeEntryBundle(Array.from({ length: 257 }, () => new Uint8Array()))).toThrow(MALFORMED);
});

test.each([
  ['that ends within a length', [0], 1],
  ['that ends within an entry', [0, 2, 7], 1],
  ['with fewer entries', [0, 1, 7], 2],
  ['with more entries', [0, 1, 7, 0, 0], 1],
  ['of nothing', [], 1],
  ['of nothing, as it should be,', [], 0],
])('a bundle %s is rejected', (_, bytes, width) => {
  expect(() => decodeEntryBundle(Uint8Array.from(bytes), width)).toThrow(MALFORMED);
});

test('a bundle is read from the middle of a buffer', () => {
  const bytes = Uint8Array.from([9, 9, 0, 1, 7]).subarray(2);
  expect(decodeEntryBundle(bytes, 1)).toEqual([Uint8Array.of(7)]);
});
