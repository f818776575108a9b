import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { encodeEntryBundle, encodeTile, type Tile, tileWidth } from '@aitbc/tlog';
import { LRUCache } from 'lru-cache';
import type { Store } from '../store/store.ts';
import { readBodies, readTile } from './queries.ts';
import { decodeHashes } from './tiles.ts';

const FULL_WIDTH = 256;
const CACHED_BYTES = 64 * 1024 * 1024;

/** Serves the tiles and entry bundles of the published tree. Full ones never change, so recently used ones stay in memory. */
export interface TileServer {
  /** Resolves with a tile's or bundle's content, or undefined where it is beyond the published tree. */
  tile(tile: Tile): Promise<Buffer | undefined>;
  /** As `tile`, for a bundle of entries, compressed by gzip. */
  gzippedBundle(tile: Tile): Promise<Buffer | undefined>;
}

/** @param publishedSize reads the number of leaves of the newest published tree */
export function createTileServer({ read }: Store, publishedSize: () => Promise<number>): TileServer {
  const cache = new LRUCache<string, Buffer>({
    maxSize: CACHED_BYTES,
    sizeCalculation: bytes => bytes.length,
  });
  let knownSize = 0;

  /** Reads the published size again only for a tile beyond the known size, since the tree only grows. */
  async function isPublished(tile: Tile): Promise<boolean> {
    if (tile.width <= tileWidth(tile, knownSize)) return true;
    knownSize = await publishedSize();
    return tile.width <= tileWidth(tile, knownSize);
  }

  async function cached(name: string, tile: Tile, make: () => Promise<Buffer | undefined>) {
    if (!(await isPublished(tile))) return undefined;
    const key = `${name} ${tile.level} ${tile.index}`;
    const known = tile.width === FULL_WIDTH ? cache.get(key) : undefined;
    if (known) return known;
    const content = await make();
    if (content && tile.width === FULL_WIDTH) cache.set(key, content);
    return content;
  }

  async function hashes({ level, index, width }: Tile): Promise<Buffer | undefined> {
    const stored = await readTile(read, { level: Number(level), index });
    return stored === undefined ? undefined : Buffer.from(encodeTile(decodeHashes(stored).slice(0, width)));
  }

  async function bundle({ index, width }: Tile): Promise<Buffer | undefined> {
    const bodies = await readBodies(read, index * FULL_WIDTH, width);
    if (bodies.length < width) return undefined;
    return Buffer.from(encodeEntryBundle(bodies.map(body => Buffer.from(body))));
  }

  const tile = (tile: Tile) =>
    cached('plain', tile, () => (tile.level === 'entries' ? bundle(tile) : hashes(tile)));
  return {
    tile,
    gzippedBundle: wanted =>
      cached('gzip', wanted, async () => {
        const plain = await tile(wanted);
        return plain && (await promisify(gzip)(plain));
      }),
  };
}
