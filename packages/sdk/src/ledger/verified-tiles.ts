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

/** More tiles than a proof, or reading all entries in order, needs. */
const CACHED_TILES = 64;

/** The size and the root of a tree, as a checkpoint states them. */
export interface TreeHead {
  /** The number of entries. */
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
}

/** Several callers may wait for one request, so none of them can abort it. */
type SharedOptions = Omit<RequestOptions, 'signal'>;

/** The verified tiles of hashes of a tree. */
export interface VerifiedTiles {
  /** Returns as many hashes as the tree has in this tile; none beyond the tree. */
  hashes(id: TileId, options?: SharedOptions): Promise<readonly Uint8Array[]>;
  /** Returns the root over the hashes of a full tile. */
  root(id: TileId, options?: SharedOptions): Promise<Uint8Array>;
}

export interface VerifiedTilesOptions {
  /** Whether a faulty tile is kept rather than fetched again, so that each use gives the same error. */
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

  /**
   * Reads the partial tiles. The tree's root is over all their hashes together, so it verifies each of them.
   */
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
    const message = `${paths}: they do not lead to the signed root of ${size} entries`;
    throw new LedgerError('TILE_INVALID', message, { path: paths });
  }

  async function readFull(id: TileId, options?: SharedOptions) {
    const tile = { ...id, width: TILE_WIDTH };
    const [hashes, expected] = await Promise.all([resources.tile(tile, options), rootOf(id, options)]);
    if (areEqual([merkleRoot(hashes)], [expected])) return hashes;
    const path = formatTilePath(tile);
    const message = `${path} has other hashes than the signed tree of ${size} entries`;
    throw new LedgerError('TILE_INVALID', message, { path });
  }

  /** Returns the tile's hash in the tile above, which exists whenever the tile is full. */
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

  /** Keeps the tiles used last, and no failed ones. */
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
