import { failed, type Outcome, type WriteContext } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { WriteTransaction } from '../store/transaction.ts';
import type { SpendLimits } from './keys.ts';

/*
 * Budgets limit what the jobs of a key may cost. A job reserves its expected cost in the budget of its key, and in those
 * of the keys that made the key: otherwise a key could escape its budget by making others. The end of the job replaces
 * the reservation by its price. A price is capped at what is left, so that a budget is never exceeded.
 */

type BudgetRow = Row<'key_budget'>;

const DAY_MS = 24 * 3600 * 1000;

const dayOf = (now: number) => Math.floor(now / DAY_MS);

/** Returns the number of a UTC month, counted from January 1970. */
function monthOf(now: number): number {
  const date = new Date(now);
  return (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth();
}

/** Returns the row with its sums of the day and of the month begun again where those are over. */
export function atTime(row: BudgetRow, now: number): BudgetRow {
  const [day, month] = [dayOf(now), monthOf(now)];
  return {
    ...row,
    ...(row.day !== day && { day, day_spent: 0 }),
    ...(row.month !== month && { month, month_spent: 0 }),
  };
}

/** Returns a budget's limits, or null if it has none. */
export function spendLimitsOf(row: BudgetRow | undefined): SpendLimits | null {
  if (!row || (row.total_limit === null && row.day_limit === null && row.month_limit === null)) return null;
  return { total: row.total_limit, day: row.day_limit, month: row.month_limit };
}

/** Sets the limits of a key's budget. What was spent and reserved stays, since jobs may be under way. */
export async function saveSpendLimits(
  id: string,
  limits: SpendLimits | null,
  { tx, now }: Pick<WriteContext, 'tx' | 'now'>,
): Promise<void> {
  const [known] = await tx.load('key_budget', 'id', [id]);
  const { total = null, day = null, month = null } = limits ?? {};
  const fresh = { reserved: 0, spent: 0, day_spent: 0, month_spent: 0, day: dayOf(now), month: monthOf(now) };
  const row = { ...(known ?? { id, ...fresh }), total_limit: total, day_limit: day, month_limit: month };
  await tx.upsert('key_budget', [row]);
}

type Limit = keyof SpendLimits;

interface Left {
  /** In micro-credits; Infinity if no budget applies. */
  amount: number;
  /** The limit that leaves the least. */
  limit: Limit;
}

/** The budgets of a batch's keys, as the inputs of the batch use them up in order. */
export interface KeyBudgets {
  /** Returns what is left in all budgets of these keys, and which limit leaves the least. */
  left(keyIds: readonly string[]): Left;
  reserve(keyIds: readonly string[], amount: number): void;
}

export async function loadKeyBudgets(
  keyIds: readonly (readonly string[])[],
  { tx, now }: Pick<WriteContext, 'tx' | 'now'>,
): Promise<KeyBudgets> {
  const ids = new Set(keyIds.flat());
  const found = ids.size === 0 ? [] : await tx.load('key_budget', 'id', [...ids]);
  const rows = new Map(found.map(row => [row.id, atTime(row, now)]));
  return {
    left: ids => leftIn(ids.flatMap(id => rows.get(id) ?? [])),
    reserve(ids, amount) {
      for (const id of ids) {
        const row = rows.get(id);
        if (row) row.reserved += amount;
      }
    },
  };
}

export function leftIn(rows: readonly BudgetRow[]): Left {
  let least: Left = { amount: Infinity, limit: 'total' };
  for (const row of rows) {
    const limits: [Limit, number | null, number][] = [
      ['total', row.total_limit, row.spent],
      ['month', row.month_limit, row.month_spent],
      ['day', row.day_limit, row.day_spent],
    ];
    for (const [limit, most, spent] of limits) {
      const amount = (most ?? Infinity) - spent - row.reserved;
      if (amount < least.amount) least = { amount, limit };
    }
  }
  return least;
}

const CODES = {
  total: 'PAYMENT_TOTAL_BUDGET_EXCEEDED',
  day: 'PAYMENT_DAILY_BUDGET_EXCEEDED',
  month: 'PAYMENT_MONTHLY_BUDGET_EXCEEDED',
} as const;

const PERIODS = { total: '', day: ' for this day', month: ' for this month' } as const;

/** The error for jobs that a budget does not cover. */
export function budgetExceeded(needed: number, { amount, limit }: Left, now: number): Outcome<never> {
  const left = Math.max(0, amount) / 1e6;
  const retryAfter = limit === 'total' ? undefined : Math.ceil((endOf(limit, now) - now) / 1000);
  return failed(
    CODES[limit],
    `This may cost up to ${needed / 1e6} credits, and ${left} are left in the budget of the key${PERIODS[limit]}: a lower constraints.max_price reserves less`,
    retryAfter === undefined ? {} : { retryAfter },
  );
}

function endOf(limit: 'day' | 'month', now: number): number {
  if (limit === 'day') return (dayOf(now) + 1) * DAY_MS;
  const date = new Date(now);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
}

/** A job whose cost is reserved in budgets. */
export interface Budgeted {
  key_id: string | null;
  key_reserved: number;
}

/** Returns the keys whose budgets apply to jobs, by the id of the job's key. */
export async function loadBudgetKeys(
  jobs: readonly Budgeted[],
  tx: WriteTransaction,
): Promise<Map<string, string[]>> {
  const ids = new Set(jobs.flatMap(({ key_id, key_reserved }) => (key_reserved > 0 && key_id) || []));
  if (ids.size === 0) return new Map();
  const keys = await tx.load('api_key', 'id', [...ids]);
  return new Map(keys.map(({ id, parent_ids }) => [id, [id, ...parentIdsOf(parent_ids)]]));
}

export const parentIdsOf = (text: string | null) => (text === null ? [] : text.split(' '));

/** What the ending runs of a batch may be charged by the budgets of their keys, in order. */
export interface BudgetPurses {
  /** Returns the most that a run can be charged, in micro-credits, or Infinity if no budget applies. */
  ceiling(job: Budgeted): number;
  charge(job: Budgeted, price: number): void;
  /** Stores what was charged. */
  save(): Promise<void>;
}

const UNLIMITED: BudgetPurses = { ceiling: () => Infinity, charge: () => {}, save: async () => {} };

export async function loadBudgetPurses(
  jobs: readonly Budgeted[],
  { tx, now }: Pick<WriteContext, 'tx' | 'now'>,
): Promise<BudgetPurses> {
  const keysOf = await loadBudgetKeys(jobs, tx);
  if (keysOf.size === 0) return UNLIMITED;
  const found = await tx.load('key_budget', 'id', [...new Set([...keysOf.values()].flat())]);
  const rows = new Map(found.map(row => [row.id, atTime(row, now)]));
  const rowsOf = ({ key_id, key_reserved }: Budgeted) =>
    key_reserved > 0 && key_id !== null ? (keysOf.get(key_id) ?? []).flatMap(id => rows.get(id) ?? []) : [];
  return {
    ceiling(job) {
      const own = rowsOf(job);
      return own.length === 0 ? Infinity : Math.max(0, job.key_reserved + leftIn(own).amount);
    },
    charge(job, price) {
      for (const row of rowsOf(job)) {
        row.reserved -= job.key_reserved;
        row.spent += price;
        row.day_spent += price;
        row.month_spent += price;
      }
    },
    async save() {
      await tx.update('key_budget', [...rows.values()].map(spentOf));
    },
  };
}

/** `reserved` changes where jobs are saved. */
const spentOf = ({ id, spent, day, day_spent, month, month_spent }: BudgetRow) => ({
  ...{ id, spent, day, day_spent, month, month_spent },
});
