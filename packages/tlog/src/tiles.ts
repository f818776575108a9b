import { concatBytes } from '@noble/hashes/utils.js';
import { malformed } from './errors.ts';
import { HASH_BYTES, isHash } from './hashing.ts';
import { checkSize, isCount, type NodeId } from './nodes.ts';
import { quote } from './text-format.ts';

/** Hashes in a full tile, and entries in a full bundle (C2SP tlog-tiles). */
export const TILE_WIDTH = 256;
/** Levels of the Merkle tree between one level of tiles and the next. */
export const LEVELS_OF_A_TILE = 8;
const MAX_LEVEL = 63;
const PATH = /^tile\/(entries|0|[1-9][0-9]?)\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;

/** A piece of a log that is fetched as one resource (C2SP tlog-tiles). */
export interface Tile {
  /**
   * 0 to 63, or `entries` for a bundle of entries, which has the index and the width of the tile of level 0.
   */
  readonly level: number | 'entries';
  /** The index within the level, from 0. */
  readonly index: number;
  /** The number of hashes or entries: 256 in a full tile, 1 to 255 in a partial one. */
  readonly width: number;
}

/**
 * Returns the path of a tile under the log's prefix, such as `tile/0/x001/x234/067.p/112`.
 *
 * @throws TlogError MALFORMED when the tile is not valid
 */
export function formatTilePath({ level, index, width }: Tile): string {
  checkTile({ level, index, width });
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.../g) ?? [];
  const path = groups
    .map((group, position) => (position < groups.length - 1 ? `x${group}` : group))
    .join('/');
  return `tile/${level}/${path}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

/**
 * Parses the path of a tile. Leading zeros only fill the last group of three, so each tile has one path.
 *
 * @throws TlogError MALFORMED; a server answers 404 then
 */
export function parseTilePath(path: string): Tile {
  const [, level = '', index = '', width] = PATH.exec(path) ?? [];
  const tile: Tile = {
    level: level === 'entries' ? level : Number(level),
    index: Number(index.replaceAll(/[x/]/g, '')),
    width: width === undefined ? TILE_WIDTH : Number(width),
  };
  if (formatTilePath(tile) !== path) throw malformed(`${quote(path)} is no path of a tile`);
  return tile;
}

/**
 * Returns how many hashes or entries a tile has in a tree: 256 when it is full, 0 when it is beyond the tree.
 * A tile of at most that width can be served, since narrower ones belong to earlier trees.
 *
 * @param size number of leaves
 * @throws TlogError MALFORMED when the tile is not valid; RangeError when the size is not
 */
export function tileWidth({ level, index }: Pick<Tile, 'level' | 'index'>, size: number): number {
  checkTile({ level, index, width: TILE_WIDTH });
  checkSize(size);
  return Math.min(Math.max(hashesAt(level, size) - index * TILE_WIDTH, 0), TILE_WIDTH);
}

/**
 * Returns the partial tiles of a tree: at most one of each level, from level 0 up. A log serves these and all
 * full tiles for a checkpoint of that size.
 *
 * @param size number of leaves
 * @throws RangeError when the size is not valid
 */
export function partialTiles(size: number): Tile[] {
  checkSize(size);
  const tiles: Tile[] = [];
  for (let level = 0; hashesAt(level, size) > 0; level++) {
    const hashes = hashesAt(level, size);
    const width = hashes % TILE_WIDTH;
    if (width > 0) tiles.push({ level, index: (hashes - width) / TILE_WIDTH, width });
  }
  return tiles;
}

/**
 * Returns the complete subtrees whose hashes a tile holds, in its order: level 8 · L of the Merkle tree for a
 * tile of level L, and leaves for a bundle of entries.
 *
 * @throws TlogError MALFORMED when the tile is not valid
 */
export function tileNodes({ level, index, width }: Tile): NodeId[] {
  checkTile({ level, index, width });
  const nodeLevel = tileLevel(level) * LEVELS_OF_A_TILE;
  return Array.from({ length: width }, (_, entry) => ({
    level: nodeLevel,
    index: index * TILE_WIDTH + entry,
  }));
}

/**
 * Returns the bytes of a tile: its hashes, one after the other.
 *
 * @param hashes those of {@link tileNodes}, 1 to 256 of 32 bytes
 * @throws TlogError MALFORMED
 */
export function encodeTile(hashes: readonly Uint8Array[]): Uint8Array {
  if (!hashes.every(isHash)) throw malformed('The hashes of a tile have 32 bytes');
  checkWidth(hashes.length);
  return concatBytes(...hashes);
}

/**
 * Returns the hashes of a tile.
 *
 * @param width how many hashes it must have
 * @throws TlogError MALFORMED
 */
export function decodeTile(bytes: Uint8Array, width: number): Uint8Array[] {
  checkWidth(width);
  if (bytes.length !== width * HASH_BYTES) {
    throw malformed(`A tile of width ${width} has ${width * HASH_BYTES} bytes, not ${bytes.length}`);
  }
  return Array.from({ length: width }, (_, entry) =>
    bytes.slice(entry * HASH_BYTES, (entry + 1) * HASH_BYTES),
  );
}

/** Returns how many hashes all tiles of a level have together: one for each full tile of the level below. */
function hashesAt(level: Tile['level'], size: number): number {
  return Math.floor(size / TILE_WIDTH ** tileLevel(level));
}

function tileLevel(level: Tile['level']): number {
  return level === 'entries' ? 0 : level;
}

function checkTile({ level, index, width }: Tile): void {
  const number = tileLevel(level);
  if (!isCount(number) || number > MAX_LEVEL) throw malformed(`${level} is no level: 0 to ${MAX_LEVEL}`);
  if (!isCount(index) || !isCount((index + 1) * TILE_WIDTH)) throw malformed(`There is no tile ${index}`);
  checkWidth(width);
}

export function checkWidth(width: number): void {
  if (!isCount(width) || width < 1 || width > TILE_WIDTH)
    throw malformed(`${width} is no width: 1 to ${TILE_WIDTH}`);
}
