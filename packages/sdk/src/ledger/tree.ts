import {
  consistencyProof,
  formatTilePath,
  inclusionProof,
  leafHash,
  merkleRoot,
  type NodeReader,
  nodesOfTiles,
  rootAt,
  TILE_WIDTH,
  tileWidth,
} from '@aitbc/tlog';
import { LedgerError } from '../errors.ts';
import type { RequestOptions } from '../options.ts';
import { type AuditOptions, type AuditStep, audit } from './audit.ts';
import { bundlesOf, otherEntries } from './bundles.ts';
import { areEqual } from './hashes.ts';
import { DEFAULT_PARALLEL, inOrder } from './in-order.ts';
import type { LogReader } from './log-reader.ts';
import { type TreeHead, type VerifiedTiles, verifiedTiles } from './verified-tiles.ts';

export interface LedgerEntry {
  /** The index from 0. */
  readonly index: number;
  readonly bytes: Uint8Array;
}

export interface EntriesOptions extends RequestOptions {
  /** The index of the first entry. Default 0. */
  from?: number;
  /** The index after the last entry. Default: the size of the tree. */
  to?: number;
  /** How many bundles of 256 entries are fetched at once and kept in memory. Default 8. */
  parallel?: number;
}

/**
 * A tree of a log, read from its tiles and entries. Everything is verified against the root before it is
 * returned. Methods reject with a LedgerError when the log serves something else than it has signed.
 */
export interface LedgerTree extends TreeHead {
  /**
   * Yields the entries in order, fetched as needed.
   *
   * @throws RangeError when the range is not in the tree
   */
  entries(options?: EntriesOptions): AsyncGenerator<LedgerEntry, void>;
  /** @throws RangeError when the index is not in the tree */
  entry(index: number, options?: RequestOptions): Promise<Uint8Array>;
  /**
   * Returns the proof that an entry is in the tree, as `verifyInclusion` of `@aitbc/tlog` takes it.
   *
   * @throws RangeError when the index is not in the tree
   */
  inclusionProof(index: number, options?: RequestOptions): Promise<Uint8Array[]>;
  /**
   * Returns the proof that the tree begins with an older one, as `verifyConsistency` of `@aitbc/tlog` takes
   * it.
   *
   * @throws LedgerError ROLLED_BACK when the older tree is larger, FORKED when this tree begins with
   * another one
   */
  consistencyProof(older: TreeHead, options?: RequestOptions): Promise<Uint8Array[]>;
  /**
   * Downloads everything, recomputes every hash and compares: entries with the tiles of hashes, each tile
   * with the one above it, the topmost with the root. A mismatch is reported rather than thrown, and the
   * audit goes on. Only some bundles are in memory at once, whatever the log's size.
   *
   * @returns a step for each bundle of 256 entries, and a last one for the root
   * @throws RangeError when `from` is not in the tree; and errors of reading the log, such as a
   * ConnectionError
   */
  audit(options?: AuditOptions): AsyncGenerator<AuditStep, void>;
}

export function ledgerTree(resources: LogReader, head: TreeHead): LedgerTree {
  const { size, root } = head;
  const tiles = verifiedTiles(resources, head);
  const bundle = (index: number, options?: RequestOptions) =>
    verifiedBundle(index, { resources, tiles, size, options });

  return {
    size,
    root,
    async *entries({ from = 0, to = size, parallel = DEFAULT_PARALLEL, signal, ...options } = {}) {
      checkRange(from, to, size);
      const bundles = inOrder(bundlesOf(from, to), { parallel, signal }, async (index, signal) => ({
        first: index * TILE_WIDTH,
        entries: await bundle(index, { ...options, signal }),
      }));
      for await (const { first, entries } of bundles) {
        const begin = Math.max(from - first, 0);
        for (const [position, bytes] of entries.slice(begin, to - first).entries()) {
          yield { index: first + begin + position, bytes };
        }
      }
    },
    async entry(index, options) {
      checkRange(index, index + 1, size);
      const entries = await bundle(Math.floor(index / TILE_WIDTH), options);
      return entries[index % TILE_WIDTH] ?? new Uint8Array();
    },
    inclusionProof: (index, options) => inclusionProof(index, size, nodesOf(tiles, options)),
    async consistencyProof(older, options) {
      if (older.size > size) {
        throw new LedgerError('ROLLED_BACK', `The log has ${size} entries, but had ${older.size} before`);
      }
      const read = nodesOf(tiles, options);
      const begin = older.size === size ? root : await rootAt(older.size, read);
      if (!areEqual([begin], [older.root])) throw forked(older.size, size);
      return await consistencyProof(older.size, size, read);
    },
    async *audit(options = {}) {
      checkRange(options.from ?? 0, size, size);
      yield* audit(resources, head, options);
    },
  };
}

function forked(older: number, size: number): LedgerError {
  const message =
    older === size
      ? `The log had another tree of ${size} entries before`
      : `The log of ${size} entries does not begin with the ${older} entries that it had before`;
  return new LedgerError('FORKED', message);
}

interface Context {
  resources: LogReader;
  tiles: VerifiedTiles;
  size: number;
  options: RequestOptions | undefined;
}

async function verifiedBundle(index: number, { resources, tiles, size, options }: Context) {
  const width = tileWidth({ level: 0, index }, size);
  const expected = width < TILE_WIDTH ? tiles.hashes({ level: 0, index }) : tiles.root({ level: 0, index });
  const [entries, found] = await Promise.all([resources.bundle({ index, width }, options), expected]);
  const hashes = entries.map(leafHash);
  const isGenuine =
    found instanceof Uint8Array ? areEqual([merkleRoot(hashes)], [found]) : areEqual(hashes, found);
  if (isGenuine) return entries;
  throw otherEntries(formatTilePath({ level: 'entries', index, width }), size);
}

function nodesOf(tiles: VerifiedTiles, { signal, ...options }: RequestOptions = {}): NodeReader {
  return nodesOfTiles(async ids => {
    signal?.throwIfAborted();
    const hashes = await Promise.all(ids.map(id => tiles.hashes(id, options)));
    signal?.throwIfAborted();
    return hashes;
  });
}

function checkRange(from: number, to: number, size: number): void {
  const isRange =
    Number.isSafeInteger(from) && Number.isSafeInteger(to) && from >= 0 && from <= to && to <= size;
  if (!isRange) throw new RangeError(`A tree of ${size} entries has none from ${from} up to ${to}`);
}
