import type { TrustedKey } from '@aitbc/receipts';
import { appendLeafHashes, type CompactRange, TILE_WIDTH } from '@aitbc/tlog';
import type { RequestOptions } from '../options.ts';
import { bundlesOf } from './bundles.ts';
import { type Examined, examineBundle } from './examining.ts';
import type { LedgerFault } from './faults.ts';
import { areEqual } from './hashes.ts';
import { DEFAULT_PARALLEL, inOrder } from './in-order.ts';
import type { LedgerResources } from './resources.ts';
import { type TreeHead, verifiedTiles } from './verified-tiles.ts';

export interface AuditOptions extends RequestOptions {
  /** The first entry, where those before it were looked at already. Default 0. */
  from?: number;
  /** Bundles of 256 entries that are fetched at a time, and kept in memory. Default 8. */
  parallel?: number;
  /** Whether entries are to be valid receipts and grants, as a coordinator's are. Default true. */
  statements?: boolean;
  /** Who may sign those. Without any, whoever they name: for those who trust the log to take in nobody else's. */
  keys?: readonly TrustedKey[];
}

/** How far an audit is, and what the last step of it found. */
export interface AuditStep {
  /** Entries that were looked at so far. */
  readonly done: number;
  /** Entries that there are to look at. */
  readonly total: number;
  /** Valid receipts in this step. */
  readonly receipts: number;
  /** Valid grants in this step. */
  readonly grants: number;
  /** Nothing is told twice. */
  readonly faults: readonly LedgerFault[];
}

const EMPTY: CompactRange = { size: 0, hashes: [] };

export async function* audit(
  resources: LedgerResources,
  head: TreeHead,
  { from = 0, parallel = DEFAULT_PARALLEL, statements = true, keys, signal, ...options }: AuditOptions,
): AsyncGenerator<AuditStep, void> {
  const { size } = head;
  const total = size - from;
  const tiles = verifiedTiles(resources, head, { keepFaults: true });
  const root = rootFromEntries(head, from);
  const told = new WeakSet<object>();
  const bundles = inOrder(bundlesOf(from, size), { parallel, signal }, async (index, signal) => ({
    index,
    found: await examineBundle(index, {
      ...{ resources, tiles, size, from, keys: statements ? { keys } : null },
      options: { ...options, signal },
    }),
  }));
  for await (const { index, found } of bundles) {
    root.add(found);
    const faults = found.faults.filter(({ origin }) => !told.has(origin)).map(({ fault }) => fault);
    for (const { origin } of found.faults) told.add(origin);
    const done = Math.min((index + 1) * TILE_WIDTH, size) - from;
    yield { done, total, receipts: found.receipts, grants: found.grants, faults };
  }
  yield { done: total, total, receipts: 0, grants: 0, faults: root.faults() };
}

/** Computes the root from the entries alone, so that they are proven also where the tiles are not to be used. */
function rootFromEntries({ size, root }: TreeHead, from: number) {
  let range: CompactRange | null = from === 0 ? EMPTY : null;
  let computed = appendLeafHashes(EMPTY, []).root;
  return {
    add({ leafHashes, areRefuted }: Examined) {
      if (!leafHashes || areRefuted) range = null;
      if (!leafHashes || !range) return;
      ({ range, root: computed } = appendLeafHashes(range, leafHashes));
    },
    /** Silent where entries are missing, or were found to be others: that has been told. */
    faults(): LedgerFault[] {
      if (!range || areEqual([computed], [root])) return [];
      const detail = `The entries hash to another root than that of ${size} entries that was signed`;
      return [{ code: 'ENTRIES_INVALID', path: null, index: null, detail }];
    },
  };
}
