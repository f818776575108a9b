import {
  decodeEntryBundle,
  decodeTile,
  formatTilePath,
  MAX_ENTRY_BYTES,
  TILE_WIDTH,
  type Tile,
  TlogError,
} from '@aitbc/tlog';
import { CoordinatorError, LedgerError } from '../errors.ts';
import type { RequestOptions } from '../options.ts';
import type { Transport } from '../transport.ts';

const HASH_BYTES = 32;
const LENGTH_BYTES = 2;
/** Enough for a hundred signatures by keys with long names. */
const MAX_NOTE_BYTES = 256 * 1024;

/** A tile of hashes. */
export type HashTile = Tile & { readonly level: number };
/** Entries that a log serves together. Level and index are those of the tile of level 0 with their hashes. */
export type EntryBundle = Omit<Tile, 'level'>;

/** Reads what a log serves (C2SP tlog-tiles). The format is checked, but nothing is verified. */
export interface LogReader {
  /** Returns the newest checkpoint. */
  note(options?: RequestOptions): Promise<string>;
  /** Returns the hashes of a tile, as many as its width. */
  tile(tile: HashTile, options?: RequestOptions): Promise<Uint8Array[]>;
  /** Returns the entries of a bundle, as many as its width. */
  bundle(bundle: EntryBundle, options?: RequestOptions): Promise<Uint8Array[]>;
}

export function logReader(transport: Transport): LogReader {
  async function fetchTile(tile: Tile, maxBytes: number, options?: RequestOptions): Promise<Uint8Array> {
    const path = `/${formatTilePath(tile)}`;
    return (await transport<Uint8Array>({ path, as: 'bytes', maxBytes }, options)).body;
  }

  /** A log may delete a partial tile once it has the full one. */
  async function read(tile: Tile, form: Form, options?: RequestOptions): Promise<Uint8Array[]> {
    const attempt = async (tile: Tile) =>
      form.decode(await fetchTile(tile, form.maxBytes(tile.width), options), tile.width);
    try {
      return await attempt(tile);
    } catch (error) {
      if (!isNotFound(error) || tile.width === TILE_WIDTH) throw withPath(error, tile);
    }
    const full = { ...tile, width: TILE_WIDTH };
    return (await attempt(full).catch(error => Promise.reject(withPath(error, tile)))).slice(0, tile.width);
  }

  return {
    async note(options) {
      const call = { path: '/checkpoint', as: 'text', maxBytes: MAX_NOTE_BYTES, fresh: true } as const;
      return (await transport<string>(call, options)).body;
    },
    tile: (tile, options) => read(tile, HASHES, options),
    bundle: (bundle, options) => read({ ...bundle, level: 'entries' }, ENTRIES, options),
  };
}

interface Form {
  decode(bytes: Uint8Array, width: number): Uint8Array[];
  maxBytes(width: number): number;
}

const HASHES: Form = { decode: decodeTile, maxBytes: width => width * HASH_BYTES };
const ENTRIES: Form = {
  decode: decodeEntryBundle,
  maxBytes: width => width * (LENGTH_BYTES + MAX_ENTRY_BYTES),
};

function isNotFound(error: unknown): boolean {
  return error instanceof CoordinatorError && (error.status === 404 || error.status === 410);
}

/** Adds the tile's path to an error. */
function withPath(error: unknown, tile: Tile): unknown {
  const path = formatTilePath(tile);
  if (isNotFound(error)) {
    return new LedgerError('MISSING', `${path} is missing, but the log must have it`, {
      cause: error,
      path,
    });
  }
  const isTooLong = error instanceof CoordinatorError && error.status === 200;
  if (!isTooLong && !(error instanceof TlogError)) return error;
  const code = tile.level === 'entries' ? 'ENTRIES_INVALID' : 'TILE_INVALID';
  return new LedgerError(code, `${path}: ${error.message}`, { cause: error, path });
}
