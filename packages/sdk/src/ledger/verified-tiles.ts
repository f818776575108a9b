import {
  formatTilePath,
  merkleRoot,
  nodesOfTiles,
  partialTiles,
  rootAt,
  TILE_WIDTH,
  type TileId,
  tileWidth,
} from '@aitbc/tlog';
import { LedgerError } from '../errors.ts';
import type { RequestOptions } from '../options.ts';
import { areEqual } from './hashes.ts';
import type { LogReader } from './log-reader.ts';

/** More than are needed for proofs, and for entries from first to last. */
const CACHED_TILES = 64;

/** A tree by what a checkpoint says of it. */
export interface TreeHead {
  /** Number of entries. */
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
}

/** A request that others may wait for too: no one of them can abort it. */
type SharedOptions = Omit<RequestOptions, 'signal'>;

/** The tiles of hashes of a tree, verified. */
export interface VerifiedTiles {
  /** As many as the tree has; none beyond it. */
  hashes(id: TileId, options?: SharedOptions): Promise<readonly Uint8Array[]>;
  /** What the hashes of a full tile come down to. */
  root(id: TileId, options?: SharedOptions): Promise<Uint8Array>;
}

export interface VerifiedTilesOptions {
  /** What was found wrong is not fetched again, in the hope of better: the same error comes each time. */
  keepFaults?: boolean;
}

export function verifiedTiles(
  resources: LogReader,
  { size, root }: TreeHead,
  { keepFaults = false }: VerifiedTilesOptions = {},
): VerifiedTiles {
  const isKept = (error: unknown) => keepFaults && error instanceof LedgerError;
  const known = new Map<string, Promise<readonly Uint8Array[]>>();
  let edge: Promise<Map<number, readonly Uint8Array[]>> | undefined;

  /** The partial tiles: the root is that of all of their hashes together, so it vouches for each. */
  async function readEdge(options?: SharedOptions) {
    const partial = partialTiles(size).map(tile => ({ ...tile, level: Number(tile.level) }));
    const hashes = await Promise.all(partial.map(tile => resources.tile(tile, options)));
    const byLevel = new Map(partial.map(({ level }, position) => [level, hashes[position] ?? []]));
    const found = await rootAt(
      size,
      nodesOfTiles(ids => ids.map(({ level }) => byLevel.get(level) ?? [])),
    );
    if (areEqual([found], [root])) return byLevel;
    const paths = partial.map(formatTilePath).join(', ') || 'No tiles';
    const message = `${paths}: they do not lead to the root of ${size} entries that was signed`;
    throw new LedgerError('TILE_INVALID', message, { path: paths });
  }

  async function readFull(id: TileId, options?: SharedOptions) {
    const tile = { ...id, width: TILE_WIDTH };
    const [hashes, expected] = await Promise.all([resources.tile(tile, options), rootOf(id, options)]);
    if (areEqual([merkleRoot(hashes)], [expected])) return hashes;
    const path = formatTilePath(tile);
    const message = `${path} has other hashes than the tree of ${size} entries that was signed`;
    throw new LedgerError('TILE_INVALID', message, { path });
  }

  /** A hash of the tile above, which is there whenever a tile is full. */
  async function rootOf({ level, index }: TileId, options?: SharedOptions): Promise<Uint8Array> {
    const above = await hashesOf({ level: level + 1, index: Math.floor(index / TILE_WIDTH) }, options);
    return above[index % TILE_WIDTH] ?? new Uint8Array();
  }

  async function hashesOf(id: TileId, options?: SharedOptions): Promise<readonly Uint8Array[]> {
    const width = tileWidth(id, size);
    if (width === 0) return [];
    if (width === TILE_WIDTH) return await remember(`${id.level}/${id.index}`, () => readFull(id, options));
    edge ??= readEdge(options).catch(error => {
      if (!isKept(error)) edge = undefined;
      throw error;
    });
    return (await edge).get(id.level) ?? [];
  }

  /** Those that were used last are kept; what failed is not. */
  function remember(key: string, read: () => Promise<readonly Uint8Array[]>) {
    const reading = known.get(key) ?? read();
    known.delete(key);
    known.set(key, reading);
    reading.catch(error => isKept(error) || known.delete(key));
    const [oldest = ''] = known.keys();
    if (known.size > CACHED_TILES) known.delete(oldest);
    return reading;
  }

  return { hashes: hashesOf, root: rootOf };
}
