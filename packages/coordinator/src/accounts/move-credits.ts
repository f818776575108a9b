import type { WriteContext } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';

/** Credits on their way from one account to another, in micro-credits. Nobody pays for what is granted. */
export interface Transfer {
  payerId: number | null;
  payeeId: number;
  amount: number;
}

/** What of an account follows from the entries that name it. */
type Totals = Pick<Row<'account'>, 'balance' | 'spent' | 'jobs' | 'jobs_run' | 'receipts' | 'transactions'>;

/** Moves balances and counts by what the entries say that are written in the same transaction. */
export async function moveCredits(transfers: readonly Transfer[], { tx }: Pick<WriteContext, 'tx'>) {
  const accounts = new Map<number, Totals>();
  const of = (id: number) => {
    const totals = accounts.get(id) ?? {
      balance: 0,
      spent: 0,
      jobs: 0,
      jobs_run: 0,
      receipts: 0,
      transactions: 0,
    };
    accounts.set(id, totals);
    return totals;
  };
  for (const { payerId, payeeId, amount } of transfers) {
    const payee = of(payeeId);
    payee.balance += amount;
    payee.transactions++;
    if (payerId === null) continue;
    const payer = of(payerId);
    payer.balance -= amount;
    payer.spent += amount;
    payer.jobs++;
    payee.jobs_run++;
    payee.receipts++;
    if (payer === payee) continue;
    payer.receipts++;
    payer.transactions++;
  }
  await tx.add(
    'account',
    'id',
    [...accounts].map(([id, totals]) => ({ id, ...totals })),
  );
}
