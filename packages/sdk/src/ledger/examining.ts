import { type Statement, type TrustedKey, verifyEntry } from '@aitbc/receipts';
import { formatTilePath, leafHash, merkleRoot, TILE_WIDTH, tileWidth } from '@aitbc/tlog';
import { LedgerError } from '../errors.ts';
import type { RequestOptions } from '../options.ts';
import { otherEntries } from './bundles.ts';
import type { LedgerFault } from './faults.ts';
import { areEqual } from './hashes.ts';
import type { LogReader } from './log-reader.ts';
import type { VerifiedTiles } from './verified-tiles.ts';

export interface Examination {
  resources: LogReader;
  tiles: VerifiedTiles;
  size: number;
  /** Entries before that one are known to be valid statements. */
  from: number;
  /** Who may sign statements; null where entries are none. */
  keys: { keys: readonly TrustedKey[] | undefined } | null;
  options: RequestOptions;
}

/** What was found in a bundle and its tile of hashes. */
export interface Examined {
  /** Of the entries as they were served; null where there are none. */
  leafHashes: Uint8Array[] | null;
  /** They are not what was signed. False also where that can't be told, for want of sound tiles. */
  areRefuted: boolean;
  /** What its entries state, one after the other. */
  stated: readonly Stated[];
  /** `origin` is the same object for what several bundles find alike, as they share tiles. */
  faults: { fault: LedgerFault; origin: object }[];
}

/** A valid statement, or one of a kind that is not known here. */
export interface Stated {
  /** Number of the entry. */
  index: number;
  kind: string;
  /** null for a kind that is not known here. */
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

/** What does not fit the hashes of the tile, entry by entry; or, without them, the one hash that they come down to. */
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
    const detail = `Entry ${entry}, in ${path}, is another one than was signed`;
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
      const detail = `Entry ${number}, in ${path}, is no valid statement: ${wrong?.name}: ${wrong?.detail}`;
      examined.faults.push(ofEntry({ code: 'STATEMENT_INVALID', path, index: number, detail }));
    }
  }
  return examined;
}
