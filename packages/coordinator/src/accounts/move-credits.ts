import { Increments } from '../store/increments.ts';
import type { WriteContext } from '../store/operation.ts';

/** Credits on their way from one account to another, in micro-credits. Nobody pays for what is granted. */
export interface Transfer {
  payerId: number | null;
  payeeId: number;
  amount: number;
}

const COLUMNS = ['balance', 'spent', 'jobs', 'jobs_run', 'receipts', 'transactions'] as const;

/** Moves balances and counts by what the entries say that are written in the same transaction. */
export async function moveCredits(
  transfers: readonly Transfer[],
  { tx }: Pick<WriteContext, 'tx'>,
): Promise<void> {
  const accounts = new Increments<number, (typeof COLUMNS)[number]>(COLUMNS);
  for (const { payerId, payeeId, amount } of transfers) {
    accounts.addRow(payeeId, { balance: amount, transactions: 1 });
    if (payerId === null) continue;
    accounts.addRow(payerId, { balance: -amount, spent: amount, jobs: 1 });
    accounts.addRow(payeeId, { jobs_run: 1, receipts: 1 });
    // Whoever pays themselves is named by one entry, not by two.
    if (payerId !== payeeId) accounts.addRow(payerId, { receipts: 1, transactions: 1 });
  }
  await tx.add('account', 'id', accounts.rows('id'));
}
