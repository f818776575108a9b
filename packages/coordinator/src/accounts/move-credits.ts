import { Increments } from '../store/increments.ts';
import type { WriteContext } from '../store/operation.ts';

/** Stands for no account, as payer or as payee. */
export const NOBODY = 0;

/** A payment between two accounts, in micro-credits. */
export interface CreditTransfer {
  /** Null for a grant, which has no payer; the list of grants selects by null. `NOBODY` for other entries without one. */
  payerId: number | null;
  /** `NOBODY` for a payout. */
  payeeId: number;
  amount: number;
}

const COLUMNS = ['balance', 'earned', 'spent', 'jobs', 'jobs_run', 'receipts', 'transactions'] as const;

/** Updates the balances and counts of accounts. Called in the transaction that writes the ledger entries. */
export async function moveCredits(
  transfers: readonly CreditTransfer[],
  { tx }: Pick<WriteContext, 'tx'>,
): Promise<void> {
  const accounts = new Increments<number, (typeof COLUMNS)[number]>(COLUMNS);
  for (const { payerId, payeeId, amount } of transfers) {
    if (payeeId === NOBODY) {
      if (payerId !== null) accounts.addRow(payerId, { balance: -amount, transactions: 1 });
      continue;
    }
    accounts.addRow(payeeId, { balance: amount, transactions: 1 });
    if (payerId === null || payerId === NOBODY) continue;
    accounts.addRow(payerId, { balance: -amount, spent: amount, jobs: 1 });
    accounts.addRow(payeeId, { earned: amount, jobs_run: 1, receipts: 1 });
    // An entry whose payer is also its payee counts once for the account.
    if (payerId !== payeeId) accounts.addRow(payerId, { receipts: 1, transactions: 1 });
  }
  await tx.add('account', accounts.rows('id'));
}
