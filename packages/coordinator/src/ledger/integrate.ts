import { nodesOfTiles, rootAt } from '@aitbc/tlog';
import { done, type Operation } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { WriteTransaction } from '../store/transaction.ts';
import { loadTree } from './entries.ts';
import { toEntryHash } from './entry-hashes.ts';
import { type Leaf, readLeaves, readTree, tileReader } from './queries.ts';
import { appendToTiles, encodeHashes, withTiles } from './tiles.ts';

/** Enough entries for good throughput, and few enough that other writes do not wait long. */
const MAX_ENTRIES_PER_STEP = 1_024;

/** The rows with which the tree of `from` leaves grows to `size` leaves. */
export interface TreeGrowth {
  from: number;
  /** Root of the tree before, in hex. */
  fromRoot: string;
  /** Leaf hash of the last new entry, in hex. */
  lastHash: string;
  size: number;
  /** hex */
  root: string;
  /** Size of the new entries. */
  bytes: number;
  tiles: readonly Row<'tile'>[];
  entryHashes: readonly Row<'entry_hash'>[];
  activity: readonly Row<'activity'>[];
}

/**
 * Adds the next entries of the log to the tree. All is computed outside the transaction, from committed rows, and written
 * only where the tree has not changed meanwhile, so any number of processes may do it at once. A crash leaves the tree as
 * it was before or after a step.
 *
 * @returns whether there are more entries to add at once
 */
export async function integrateNext(store: Store): Promise<boolean> {
  const tree = await readTree(store.read);
  const leaves =
    tree.entries > tree.size ? await readLeaves(store.read, tree.size, MAX_ENTRIES_PER_STEP) : [];
  if (leaves.length === 0) return false;
  await store.write(integrate, await computeGrowth(tree, leaves, store));
  return tree.size + leaves.length < tree.entries;
}

async function computeGrowth(
  { size: from, root: fromRoot }: Row<'tree'>,
  leaves: readonly Leaf[],
  { read }: Store,
): Promise<TreeGrowth> {
  const size = from + leaves.length;
  if (leaves.at(-1)?.leaf_index !== size - 1) throw new Error(`The entries from ${from} on have a gap`);
  const stored = tileReader(read);
  const tiles = await appendToTiles(
    from,
    leaves.map(({ hash }) => Buffer.from(hash, 'hex')),
    stored,
  );
  const root = await rootAt(size, nodesOfTiles(withTiles(tiles, stored)));
  return {
    ...{ from, fromRoot, size },
    lastHash: leaves.at(-1)?.hash ?? '',
    root: Buffer.from(root).toString('hex'),
    bytes: leaves.reduce((sum, { bytes }) => sum + bytes, 0),
    tiles: [...tiles].map(([id, hashes]) => ({ id, hashes: encodeHashes(hashes) })),
    entryHashes: leaves.map(toEntryHash),
    activity: activityOf(leaves),
  };
}

const HOUR_MS = 3_600_000;

function activityOf(leaves: readonly Leaf[]): Row<'activity'>[] {
  const receipts = leaves.filter(({ type }) => type === 'receipt');
  const byHour = Map.groupBy(receipts, ({ created_at }) => Math.floor(created_at / HOUR_MS) * HOUR_MS);
  return [...byHour].map(([hour, entries]) => ({
    hour,
    receipts: entries.length,
    amount: entries.reduce((sum, { amount }) => sum + amount, 0),
  }));
}

/** Adds the rows to the tree. Returns false where the tree is not the one that they were computed for. */
export const integrate: Operation<TreeGrowth, boolean> = {
  name: 'ledger.integrate',
  async apply(inputs, { tx }) {
    const outcomes = [];
    for (const growth of inputs) {
      const { size, root, bytes, tiles, entryHashes, activity } = growth;
      const tree = await loadTree(tx);
      const isOfTree = await isGrowthOfTree(tree, growth, tx);
      outcomes.push(done(isOfTree));
      if (!isOfTree) continue;
      await tx.upsert('tile', tiles);
      await tx.insert('entry_hash', entryHashes);
      const hours = await tx.load(
        'activity',
        'hour',
        activity.map(({ hour }) => hour),
      );
      const sums = activity.map(row => {
        const known = hours.find(({ hour }) => hour === row.hour);
        return known
          ? { hour: row.hour, receipts: known.receipts + row.receipts, amount: known.amount + row.amount }
          : row;
      });
      await tx.upsert('activity', sums);
      await tx.upsert('tree', [{ ...tree, size, root, bytes: tree.bytes + bytes }]);
    }
    return outcomes;
  },
};

/** After a failover, the rows may have been read from another database than this one. Only the hashes show that. */
async function isGrowthOfTree(
  tree: Row<'tree'>,
  { from, fromRoot, size, lastHash }: TreeGrowth,
  tx: WriteTransaction,
): Promise<boolean> {
  if (tree.size !== from || tree.root !== fromRoot) return false;
  const [last] = await tx.load('entry', 'leaf_index', [size - 1]);
  return last?.hash === lastHash;
}
