import type { Restore } from '@aitbc/protocol';
import { isRestore, type TrustedKey } from '@aitbc/receipts';
import { appendLeafHashes, type CompactRange, TILE_WIDTH } from '@aitbc/tlog';
import type { RequestOptions } from '../options.ts';
import { bundlesOf } from './bundles.ts';
import { type Examined, examineBundle, type Stated } from './examining.ts';
import type { LedgerFault } from './faults.ts';
import { areEqual } from './hashes.ts';
import { DEFAULT_PARALLEL, inOrder } from './in-order.ts';
import type { LogReader } from './log-reader.ts';
import { createOpeningsCheck } from './openings.ts';
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
  /**
   * Statements of all other kinds in this step, by kind: `restore` and `opening`, which were verified, and those that are not
   * known here, of which nothing is known but their hashes.
   */
  readonly others: Readonly<Record<string, number>>;
  /** The statement that the ledger begins with, where that follows a restore; in the step that has entry 0. */
  readonly restore: Restore | null;
  /** Nothing is told twice. */
  readonly faults: readonly LedgerFault[];
}

const EMPTY: CompactRange = { size: 0, hashes: [] };

export async function* audit(
  resources: LogReader,
  head: TreeHead,
  { from = 0, parallel = DEFAULT_PARALLEL, statements = true, keys, signal, ...options }: AuditOptions,
): AsyncGenerator<AuditStep, void> {
  const { size } = head;
  const total = size - from;
  const tiles = verifiedTiles(resources, head, { keepFaults: true });
  const root = rootFromEntries(head, from);
  const told = new WeakSet<object>();
  const examine = (index: number, from: number, signal?: AbortSignal) =>
    examineBundle(index, {
      ...{ resources, tiles, size, from, keys: statements ? { keys } : null },
      options: { ...options, ...(signal && { signal }) },
    });
  const openings = createOpeningsCheck(from, async () => (await examine(0, 0, signal)).stated[0]);
  const bundles = inOrder(bundlesOf(from, size), { parallel, signal }, async (index, signal) => ({
    index,
    found: await examine(index, from, signal),
  }));
  for await (const { index, found } of bundles) {
    root.add(found);
    const faults = found.faults.filter(({ origin }) => !told.has(origin)).map(({ fault }) => fault);
    for (const { origin } of found.faults) told.add(origin);
    for (const each of found.stated) faults.push(...(await openings.take(each)));
    const done = Math.min((index + 1) * TILE_WIDTH, size) - from;
    yield { done, total, ...countsOf(found.stated), faults };
  }
  yield { done: total, total, ...countsOf([]), faults: [...root.faults(), ...openings.end(size)] };
}

/** Kinds that are told apart: a log can make up as many as it has entries. */
const MOST_KINDS = 32;

function countsOf(stated: readonly Stated[]): Omit<AuditStep, 'done' | 'total' | 'faults'> {
  const counts = new Map<string, number>();
  for (const { kind } of stated) {
    const name = counts.has(kind) || counts.size < MOST_KINDS ? kind : '…';
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const { receipt: receipts = 0, grant: grants = 0, ...others } = Object.fromEntries(counts);
  const [first] = stated;
  const restore =
    first?.index === 0 && first.statement && isRestore(first.statement) ? first.statement : null;
  return { receipts, grants, others, restore };
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
