import { decodeTile, encodeTile, merkleRoot, type TileId, type TileReader } from '@aitbc/tlog';

const WIDTH = 256;
const HASH_BYTES = 32;

export type TileHashes = ReadonlyMap<string, readonly Uint8Array[]>;

export const tileKey = ({ level, index }: TileId) => `${level}/${index}`;

export const encodeHashes = (hashes: readonly Uint8Array[]) =>
  Buffer.from(encodeTile(hashes)).toString('base64');

export function decodeHashes(text: string): Uint8Array[] {
  const bytes = Buffer.from(text, 'base64');
  return decodeTile(bytes, bytes.length / HASH_BYTES);
}

/**
 * Computes the tiles that change when leaves are appended to a tree of `size` leaves: those at its right edge and new
 * ones. A full tile adds its root to the level above.
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

/** Reads tiles from `tiles`, and the others by `read`. */
export function withTiles(tiles: TileHashes, read: TileReader): TileReader {
  return async ids => {
    const missing = ids.filter(id => !tiles.has(tileKey(id)));
    const stored = missing.length === 0 ? [] : await read(missing);
    const byKey = new Map(missing.map((id, position) => [tileKey(id), stored[position] ?? []]));
    return ids.map(id => tiles.get(tileKey(id)) ?? byKey.get(tileKey(id)) ?? []);
  };
}

/** @param load reads rows of tiles by their keys, in any order */
export function tilesOf(
  load: (keys: string[]) => Promise<readonly { id: string; hashes: string }[]>,
): TileReader {
  return async ids => {
    const keys = ids.map(tileKey);
    const byKey = new Map((await load(keys)).map(({ id, hashes }) => [id, hashes]));
    return keys.map(key => {
      const hashes = byKey.get(key);
      return hashes === undefined ? [] : decodeHashes(hashes);
    });
  };
}
