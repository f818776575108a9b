import type { WriteContext } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';

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

/** Updates the balances and counts of accounts. Called in the transaction that writes the ledger entries. */
export async function moveCredits(
  transfers: readonly CreditTransfer[],
  { tx }: Pick<WriteContext, 'tx'>,
): Promise<void> {
  const accounts: Partial<Row<'account'>>[] = [];
  for (const { payerId, payeeId, amount } of transfers) {
    if (payeeId === NOBODY) {
      if (payerId !== null) accounts.push({ id: payerId, balance: -amount, transactions: 1 });
      continue;
    }
    accounts.push({ id: payeeId, balance: amount, transactions: 1 });
    if (payerId === null || payerId === NOBODY) continue;
    accounts.push({ id: payerId, balance: -amount, spent: amount, jobs: 1 });
    accounts.push({ id: payeeId, earned: amount, jobs_run: 1, receipts: 1 });
    // An entry whose payer is also its payee counts once for the account.
    if (payerId !== payeeId) accounts.push({ id: payerId, receipts: 1, transactions: 1 });
  }
  await tx.add('account', accounts);
}
