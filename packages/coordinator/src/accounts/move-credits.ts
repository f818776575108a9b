import { Increments } from '../store/increments.ts';
import type { WriteContext } from '../store/operation.ts';

/** A payment between two accounts, in micro-credits. A grant has no payer. */
export interface CreditTransfer {
  payerId: number | null;
  payeeId: number;
  amount: number;
}

const COLUMNS = ['balance', 'spent', 'jobs', 'jobs_run', 'receipts', 'transactions'] as const;

/** Updates the balances and counts of accounts. Called in the transaction that writes the ledger entries. */
export async function moveCredits(
  transfers: readonly CreditTransfer[],
  { tx }: Pick<WriteContext, 'tx'>,
): Promise<void> {
  const accounts = new Increments<number, (typeof COLUMNS)[number]>(COLUMNS);
  for (const { payerId, payeeId, amount } of transfers) {
    accounts.addRow(payeeId, { balance: amount, transactions: 1 });
    if (payerId === null) continue;
    accounts.addRow(payerId, { balance: -amount, spent: amount, jobs: 1 });
    accounts.addRow(payeeId, { jobs_run: 1, receipts: 1 });
    // An entry whose payer is also its payee counts once for the account.
    if (payerId !== payeeId) accounts.addRow(payerId, { receipts: 1, transactions: 1 });
  }
  await tx.add('account', 'id', accounts.rows('id'));
}
