import { type Statement, type TrustedKey, verifyEntry } from '@aitbc/receipts';
import { formatTilePath, leafHash, merkleRoot, TILE_WIDTH, tileWidth } from '@aitbc/tlog';
import { LedgerError } from '../errors.ts';
import type { RequestOptions } from '../options.ts';
import { otherEntries } from './bundles.ts';
import { areEqual } from './hashes.ts';
import type { LedgerFault } from './ledger-fault.ts';
import type { LogReader } from './log-reader.ts';
import type { VerifiedTiles } from './verified-tiles.ts';

export interface Examination {
  resources: LogReader;
  tiles: VerifiedTiles;
  size: number;
  /** Entries before this one are known to be valid statements. */
  from: number;
  /** The keys that may sign statements; null when entries need not be statements. */
  keys: { keys: readonly TrustedKey[] | undefined } | null;
  options: RequestOptions;
}

/** The findings in a bundle and its tile of hashes. */
export interface Examined {
  /** The hashes of the served entries; null when there are none. */
  leafHashes: Uint8Array[] | null;
  /** Whether the entries are not the signed ones. False also when no valid tile can tell. */
  areRefuted: boolean;
  /** The statements of its entries, in order. */
  stated: readonly Stated[];
  /** Bundles share tiles. `origin` is the same object when several bundles report the same fault. */
  faults: { fault: LedgerFault; origin: object }[];
}

/** A valid statement, or one of an unknown kind. */
export interface Stated {
  /** The index of the entry. */
  index: number;
  kind: string;
  /** Null for an unknown kind. */
  statement: Statement | null;
}

export async function examineBundle(index: number, examination: Examination): Promise<Examined> {
  const { resources, tiles, size, options } = examination;
  const id = { level: 0, index };
  const width = tileWidth(id, size);
  const { signal, ...shared } = options;
  const [bundle, tile] = await Promise.all([
    attempt(resources.bundle({ index, width }, options)),
    attempt(tiles.hashes(id, shared)),
  ]);
  const faults = [bundle, tile].flatMap(read => ('fault' in read ? [ofError(read.fault)] : []));
  if ('fault' in bundle) return { leafHashes: null, areRefuted: false, stated: [], faults };
  const entries = bundle.value;
  const leafHashes = entries.map(leafHash);
  const path = formatTilePath({ level: 'entries', ...{ index, width } });
  const above = 'fault' in tile && width === TILE_WIDTH ? await attempt(tiles.root(id, shared)) : tile;
  const refuted = 'value' in above ? refute(leafHashes, above.value, { path, index, size }) : [];
  const suspects = new Set(refuted.map(({ fault }) => fault.index));
  const examined = suspects.has(null)
    ? NOTHING
    : await examineStatements(entries, suspects, path, index, examination);
  return {
    ...{ leafHashes, areRefuted: refuted.length > 0, stated: examined.stated },
    faults: [...faults, ...refuted, ...examined.faults],
  };
}

type Attempt<T> = { value: T } | { fault: LedgerError };

async function attempt<T>(reading: Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await reading };
  } catch (error) {
    if (error instanceof LedgerError) return { fault: error };
    throw error;
  }
}

type Faults = Examined['faults'];

const ofError = (error: LedgerError): Faults[number] => ({
  fault: { code: error.code, path: error.path, index: null, detail: error.message },
  origin: error,
});

const ofEntry = (fault: LedgerFault): Faults[number] => ({ fault, origin: fault });

/**
 * Returns the entries that do not fit the tile's hashes. Without the tile, it compares the one hash above.
 */
function refute(
  leafHashes: readonly Uint8Array[],
  signed: Uint8Array | readonly Uint8Array[],
  { path, index, size }: { path: string; index: number; size: number },
): Faults {
  if (signed instanceof Uint8Array) {
    return areEqual([merkleRoot(leafHashes)], [signed]) ? [] : [ofError(otherEntries(path, size))];
  }
  return leafHashes.flatMap((hash, position) => {
    if (areEqual([hash], signed.slice(position, position + 1))) return [];
    const entry = index * TILE_WIDTH + position;
    const detail = `Entry ${entry}, in ${path}, is not the entry that was signed`;
    return [ofEntry({ code: 'ENTRIES_INVALID', path, index: entry, detail })];
  });
}

interface ExaminedStatements {
  stated: Stated[];
  faults: Faults;
}

const NOTHING: ExaminedStatements = { stated: [], faults: [] };

async function examineStatements(
  entries: readonly Uint8Array[],
  suspects: ReadonlySet<number | null>,
  path: string,
  index: number,
  { keys, from }: Examination,
): Promise<ExaminedStatements> {
  if (!keys) return NOTHING;
  const options = keys.keys ? { keys: keys.keys } : {};
  const examined: ExaminedStatements = { stated: [], faults: [] };
  for (const [position, entry] of entries.entries()) {
    const number = index * TILE_WIDTH + position;
    if (number < from || suspects.has(number)) continue;
    const { valid, kind, statement, checks } = await verifyEntry(entry, options);
    if (valid && kind !== null) examined.stated.push({ index: number, kind, statement });
    else {
      const [wrong] = checks.filter(({ ok }) => !ok);
      const detail = `Entry ${number}, in ${path}, is not a valid statement: ${wrong?.name}: ${wrong?.detail}`;
      examined.faults.push(ofEntry({ code: 'STATEMENT_INVALID', path, index: number, detail }));
    }
  }
  return examined;
}
