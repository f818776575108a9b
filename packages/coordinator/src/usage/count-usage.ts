import { isEnded } from '../jobs/job.ts';
import { Increments } from '../store/increments.ts';
import type { WriteContext } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { SavedChange } from '../store/topics.ts';
import { rowId } from './row-id.ts';

const USED = ['jobs', 'failed', 'cancelled', 'tokens_in', 'tokens_out', 'credits'] as const;
const EARNED = ['jobs', 'tokens_in', 'tokens_out', 'credits'] as const;

const DAY_MS = 24 * 3600 * 1000;

/** Adds ended jobs to the sums of their keys, and paid runs to the sums of their miners: a row for each key, model and day. */
export async function countUsage(changes: readonly SavedChange[], context: WriteContext): Promise<void> {
  const ended = changes.filter(
    ({ before, after }) => isEnded(after.status) && !(before && isEnded(before.status)),
  );
  if (ended.length === 0) return;
  const day = Math.floor(context.now / DAY_MS);
  const used: UsageSums = new Increments(USED);
  const earned: EarningSums = new Increments(EARNED);
  const newUsage = new Map<string, Pick<Row<'usage'>, 'account_id' | 'key_id' | 'model'>>();
  const newEarnings = new Map<string, Pick<Row<'earning'>, 'account_id' | 'miner_id' | 'model'>>();
  for (const { before, after, paid } of ended) {
    const { account_id, key_id, model, role, status } = after;
    const sums = paid && { tokens_in: paid.tokensIn, tokens_out: paid.tokensOut, credits: paid.price };
    const usageId = rowId(day, key_id ?? `account-${account_id}`, model);
    newUsage.set(usageId, { account_id, key_id: key_id ?? '', model });
    used.addRow(usageId, {
      ...sums,
      // A replicated job counts once, and costs what its runs cost.
      ...(role !== 'run' && {
        jobs: 1,
        failed: status === 'failed' ? 1 : 0,
        cancelled: status === 'cancelled' ? 1 : 0,
      }),
    });
    const minerId = before?.miner_id;
    if (!paid || !minerId) continue;
    const earningId = rowId(day, minerId, model);
    newEarnings.set(earningId, { account_id: paid.payeeId, miner_id: minerId, model });
    earned.addRow(earningId, { ...sums, jobs: 1 });
  }
  await addUsage(used, id => ({ day, ...required(newUsage, id) }), context);
  await addEarnings(earned, id => ({ day, ...required(newEarnings, id) }), context);
}

type UsageSums = Increments<string, (typeof USED)[number]>;
type EarningSums = Increments<string, (typeof EARNED)[number]>;

/** Adds to the rows that exist, and inserts the others with the rest of their columns. */
async function addUsage(
  sums: UsageSums,
  restOf: (id: string) => Omit<Row<'usage'>, 'id' | (typeof USED)[number]>,
  { tx }: WriteContext,
): Promise<void> {
  if (sums.isEmpty) return;
  const known = new Set((await tx.load('usage', 'id', [...sums.keys()])).map(({ id }) => id));
  const { old = [], fresh = [] } = byPresence(sums.rows('id'), known);
  await tx.add('usage', old);
  await tx.insert(
    'usage',
    fresh.map(row => ({ ...restOf(row.id), ...row })),
  );
}

/** As `addUsage`. */
async function addEarnings(
  sums: EarningSums,
  restOf: (id: string) => Omit<Row<'earning'>, 'id' | (typeof EARNED)[number]>,
  { tx }: WriteContext,
): Promise<void> {
  if (sums.isEmpty) return;
  const known = new Set((await tx.load('earning', 'id', [...sums.keys()])).map(({ id }) => id));
  const { old = [], fresh = [] } = byPresence(sums.rows('id'), known);
  await tx.add('earning', old);
  await tx.insert(
    'earning',
    fresh.map(row => ({ ...restOf(row.id), ...row })),
  );
}

const byPresence = <R extends { id: string }>(rows: readonly R[], known: ReadonlySet<string>) =>
  Object.groupBy(rows, ({ id }) => (known.has(id) ? 'old' : 'fresh'));

function required<Value>(values: ReadonlyMap<string, Value>, id: string): Value {
  const value = values.get(id);
  if (!value) throw new Error(`Nothing is known of the row ${id}`);
  return value;
}
