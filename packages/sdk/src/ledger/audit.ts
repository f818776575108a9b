import type { Restore } from '@aitbc/protocol';
import { isRestore, type TrustedKey } from '@aitbc/receipts';
import { appendLeafHashes, type CompactRange, TILE_WIDTH } from '@aitbc/tlog';
import type { RequestOptions } from '../options.ts';
import { bundlesOf } from './bundles.ts';
import { type Examined, examineBundle, type Stated } from './examine-bundle.ts';
import { areEqual } from './hashes.ts';
import { DEFAULT_PARALLEL, inOrder } from './in-order.ts';
import type { LedgerFault } from './ledger-fault.ts';
import type { LogReader } from './log-reader.ts';
import { createOpeningsCheck } from './openings-check.ts';
import { createPayoutsCheck } from './payouts-check.ts';
import { type TreeHead, verifiedTiles } from './verified-tiles.ts';

export interface AuditOptions extends RequestOptions {
  /** The index of the first entry to check, when earlier ones were checked before. Default 0. */
  from?: number;
  /** How many bundles of 256 entries are fetched at once and kept in memory. Default 8. */
  parallel?: number;
  /** Whether entries must be valid statements, as a coordinator's are. Default true. */
  statements?: boolean;
  /**
   * The keys that may sign statements. By default any key that a statement names is trusted, which suits
   * those who trust the log itself.
   */
  keys?: readonly TrustedKey[];
}

/** The progress of an audit, and the findings of its last step. */
export interface AuditStep {
  /** How many entries were checked so far. */
  readonly done: number;
  /** How many entries there are to check. */
  readonly total: number;
  /** Valid receipts in this step. */
  readonly receipts: number;
  /** Valid grants in this step. */
  readonly grants: number;
  /**
   * The other statements of this step by kind: payouts, restores and openings, which were verified, and unknown
   * kinds, of which only the hashes were checked.
   */
  readonly others: Readonly<Record<string, number>>;
  /** The restore that the ledger begins with, in the step that has entry 0; otherwise null. */
  readonly restore: Restore | null;
  /** The faults of this step. No fault is reported twice. */
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
  const payouts = createPayoutsCheck(from);
  const bundles = inOrder(bundlesOf(from, size), { parallel, signal }, async (index, signal) => ({
    index,
    found: await examine(index, from, signal),
  }));
  for await (const { index, found } of bundles) {
    root.add(found);
    const faults = found.faults.filter(({ origin }) => !told.has(origin)).map(({ fault }) => fault);
    for (const { origin } of found.faults) told.add(origin);
    for (const each of found.stated) faults.push(...(await openings.take(each)), ...payouts.take(each));
    const done = Math.min((index + 1) * TILE_WIDTH, size) - from;
    yield { done, total, ...countsOf(found.stated), faults };
  }
  yield { done: total, total, ...countsOf([]), faults: [...root.faults(), ...openings.end(size)] };
}

/** How many kinds are counted separately. A log can make up as many kinds as it has entries. */
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

/** Computes the root from the entries alone, which proves them even when tiles are faulty. */
function rootFromEntries({ size, root }: TreeHead, from: number) {
  let range: CompactRange | null = from === 0 ? EMPTY : null;
  let computed = appendLeafHashes(EMPTY, []).root;
  return {
    add({ leafHashes, areRefuted }: Examined) {
      if (!leafHashes || areRefuted) range = null;
      if (!leafHashes || !range) return;
      ({ range, root: computed } = appendLeafHashes(range, leafHashes));
    },
    /** Returns nothing when entries are missing or differ, as those faults were reported already. */
    faults(): LedgerFault[] {
      if (!range || areEqual([computed], [root])) return [];
      const detail = `The entries hash to another root than the signed one of ${size} entries`;
      return [{ code: 'ENTRIES_INVALID', path: null, index: null, detail }];
    },
  };
}
