import { merkleRoot } from './compact-range.ts';
import type { NodeId, NodeReader } from './nodes.ts';
import { LEVELS_OF_A_TILE, TILE_WIDTH } from './tiles.ts';

/** The place of a tile of hashes, whatever its width. */
export interface TileId {
  readonly level: number;
  /** The index within the level, from 0. */
  readonly index: number;
}

/**
 * Reads the hashes of tiles, 1 to 256 each, in the order of the request; an empty list for a missing tile. A
 * call never requests a tile twice.
 */
export type TileReader = (
  tiles: readonly TileId[],
) => readonly (readonly Uint8Array[])[] | Promise<readonly (readonly Uint8Array[])[]>;

/** Reads complete subtrees from tiles. Nodes on levels that no tile has are hashed from the level below. */
export function nodesOfTiles(read: TileReader): NodeReader {
  return async nodes => {
    const ids = new Map(nodes.map(tileOf).map(tile => [keyOf(tile), tile]));
    const found = await read([...ids.values()]);
    const tiles = new Map([...ids.keys()].map((key, position) => [key, found[position] ?? []]));
    return nodes.map(node => {
      const { first, count } = spanOf(node);
      const begin = first % TILE_WIDTH;
      const hashes = tiles.get(keyOf(tileOf(node)))?.slice(begin, begin + count) ?? [];
      return hashes.length === count ? merkleRoot(hashes) : undefined;
    });
  };
}

function tileOf(node: NodeId): TileId {
  const { first } = spanOf(node);
  return { level: Math.floor(node.level / LEVELS_OF_A_TILE), index: Math.floor(first / TILE_WIDTH) };
}

/** Returns which hashes of its tile's level a node is the root over. */
function spanOf({ level, index }: NodeId): { first: number; count: number } {
  const count = 2 ** (level % LEVELS_OF_A_TILE);
  return { first: index * count, count };
}

const keyOf = ({ level, index }: TileId) => `${level}/${index}`;
