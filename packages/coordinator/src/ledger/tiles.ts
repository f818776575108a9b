import { decodeTile, encodeTile, merkleRoot, type NodeId, type NodeReader } from '@aitbc/tlog';

const WIDTH = 256;
const HASH_BYTES = 32;
const LEVELS_OF_A_TILE = 8;

/** The place of a tile in a log (C2SP tlog-tiles). */
export interface TileId {
  level: number;
  index: number;
}

/** The hashes that tiles have, in the order in which they are asked for; none for a tile that is not there. */
export type TileReader = (ids: readonly TileId[]) => Promise<readonly (readonly Uint8Array[])[]>;

export type Tiles = ReadonlyMap<string, readonly Uint8Array[]>;

export const tileKey = ({ level, index }: TileId) => `${level}/${index}`;

export const encodeHashes = (hashes: readonly Uint8Array[]) =>
  Buffer.from(encodeTile(hashes)).toString('base64');

export function decodeHashes(text: string): Uint8Array[] {
  const bytes = Buffer.from(text, 'base64');
  return decodeTile(bytes, bytes.length / HASH_BYTES);
}

/**
 * The tiles that change when leaves are appended to a tree of `size` leaves: those at its right edge, and new ones. A
 * tile that gets full adds its root to the level above.
 */
export async function appendToTiles(
  size: number,
  leafHashes: readonly Uint8Array[],
  read: TileReader,
): Promise<Map<string, readonly Uint8Array[]>> {
  const changed = new Map<string, readonly Uint8Array[]>();
  let begin = size;
  let hashes = leafHashes;
  for (let level = 0; hashes.length > 0; level++) {
    const first = Math.floor(begin / WIDTH);
    const [edge = []] = begin % WIDTH === 0 ? [[]] : await read([{ level, index: first }]);
    const all = [...edge.slice(0, begin % WIDTH), ...hashes];
    const roots: Uint8Array[] = [];
    for (let start = 0; start < all.length; start += WIDTH) {
      const tile = all.slice(start, start + WIDTH);
      changed.set(tileKey({ level, index: first + start / WIDTH }), tile);
      if (tile.length === WIDTH) roots.push(merkleRoot(tile));
    }
    begin = first;
    hashes = roots;
  }
  return changed;
}

/** Reads any node of the tree from its tiles: those between the levels of tiles are hashed anew. */
export function nodesOfTiles(read: TileReader): NodeReader {
  return async nodes => {
    const ids = new Map(nodes.map(tileOf).map(id => [tileKey(id), id]));
    const found = await read([...ids.values()]);
    const tiles = new Map([...ids.keys()].map((key, position) => [key, found[position] ?? []]));
    return nodes.map(node => {
      const { first, count } = placeIn(node);
      const hashes = tiles.get(tileKey(tileOf(node)))?.slice(first, first + count) ?? [];
      return hashes.length === count ? merkleRoot(hashes) : undefined;
    });
  };
}

/** Tiles that are not stored yet come before those that are. */
export function withTiles(tiles: Tiles, read: TileReader): TileReader {
  return async ids => {
    const missing = ids.filter(id => !tiles.has(tileKey(id)));
    const stored = missing.length === 0 ? [] : await read(missing);
    const byKey = new Map(missing.map((id, position) => [tileKey(id), stored[position] ?? []]));
    return ids.map(id => tiles.get(tileKey(id)) ?? byKey.get(tileKey(id)) ?? []);
  };
}

function tileOf(node: NodeId): TileId {
  const { first } = spanOf(node);
  return { level: Math.floor(node.level / LEVELS_OF_A_TILE), index: Math.floor(first / WIDTH) };
}

const placeIn = (node: NodeId) => {
  const { first, count } = spanOf(node);
  return { first: first % WIDTH, count };
};

/** The hashes of its tile's level that a node is the root over. */
function spanOf({ level, index }: NodeId): { first: number; count: number } {
  const count = 2 ** (level % LEVELS_OF_A_TILE);
  return { first: index * count, count };
}
