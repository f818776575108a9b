import { done, type Operation, type WriteContext } from '../../store/operation.ts';
import type { Row } from '../../store/schema.ts';
import { dayId, dayOf } from './day-id.ts';

/** Name of the counter with the index from which on entries are not counted yet. A restore begins anew. */
export const DAYS_COUNTED = 'ledger.days';

/** How many entries are counted at once, since other writes wait meanwhile. */
const AT_ONCE = 1_000;

type Counted = Pick<Row<'entry'>, 'leaf_index' | 'type' | 'payer_id' | 'payee_id' | 'amount' | 'created_at'>;

/**
 * Adds the next entries of the ledger to the days of the accounts that they name. This is not done when entries are
 * written, since a row for each account would make every completed job dearer. Returns whether there are more.
 */
export const countAccountDays: Operation<undefined, { more: boolean }> = {
  name: 'explorer.count-account-days',
  async apply(inputs, { tx }) {
    const [counter] = await tx.load('counter', 'name', [DAYS_COUNTED]);
    const entries = await tx.query<Counted>(
      ['entry'],
      `SELECT leaf_index, type, payer_id, payee_id, amount, created_at FROM entry
        WHERE leaf_index >= ? ORDER BY leaf_index LIMIT ${AT_ONCE}`,
      [counter?.value ?? 0],
    );
    const last = entries.at(-1);
    if (last) {
      await addDays(entries, { tx });
      await tx.update('counter', [{ name: DAYS_COUNTED, value: last.leaf_index + 1 }]);
    }
    return inputs.map(() => done({ more: entries.length === AT_ONCE }));
  },
};

async function addDays(entries: readonly Counted[], { tx }: Pick<WriteContext, 'tx'>): Promise<void> {
  const rows: Row<'account_day'>[] = [];
  const add = (accountId: number | null, at: number, moved: Partial<Row<'account_day'>>) => {
    if (accountId === null || accountId === 0) return;
    const day = dayOf(at);
    rows.push({ id: dayId(accountId, day), day, received: 0, sent: 0, transactions: 0, ...moved });
  };
  for (const { type, payer_id, payee_id, amount, created_at: at } of entries) {
    // An opening is the balance from before a restore, which may be below 0.
    if (type === 'opening' && amount < 0) add(payee_id, at, { sent: -amount, transactions: 1 });
    else add(payee_id, at, { received: amount, transactions: 1 });
    add(payer_id, at, { sent: amount, ...(payer_id !== payee_id && { transactions: 1 }) });
  }
  await tx.tally('account_day', rows);
}
