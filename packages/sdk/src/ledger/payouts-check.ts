import type { Payout, PayoutUpdate } from '@aitbc/protocol';
import { isOpening, isPayout, isPayoutUpdate, isReceipt, microCredits, transferOf } from '@aitbc/receipts';
import type { Stated } from './examine-bundle.ts';
import type { LedgerFault } from './ledger-fault.ts';

/**
 * Checks that no payout exceeds what its provider had earned and not been paid for, nor its balance, and that updates
 * belong to payouts of the ledger. Otherwise an operator could take credits that it did not pay for.
 */
export interface PayoutsCheck {
  /** Takes the next statement and returns its faults. */
  take(stated: Stated): LedgerFault[];
}

interface Account {
  balance: number;
  earned: number;
  paid: number;
}

/** What may be said about a payout, by what was said last. */
const NEXT: Readonly<Record<string, readonly PayoutUpdate['status'][]>> = {
  unanswered: ['confirmed', 'disputed', 'withdrawn'],
  disputed: ['confirmed', 'withdrawn'],
};

/** @param from the first entry that is checked; with only a part of the ledger nothing can be said */
export function createPayoutsCheck(from: number): PayoutsCheck {
  const accounts = new Map<string, Account>();
  const payouts = new Map<string, { payout: Payout; status: string }>();
  /** After a restore, accounts have what they earned before, of which the ledger says nothing but their balances. */
  let isRestored = false;

  function accountOf(address: string): Account {
    const account = accounts.get(address) ?? { balance: 0, earned: 0, paid: 0 };
    accounts.set(address, account);
    return account;
  }

  function misfitOf(payout: Payout): string | undefined {
    if (payouts.has(payout.payout_id)) return `repeats ${payout.payout_id}`;
    const { balance, earned, paid } = accountOf(payout.to);
    const open = isRestored ? balance : Math.min(balance, earned - paid);
    if (microCredits(payout.amount) <= open) return undefined;
    return `pays out ${payout.amount} credits to ${payout.to}, which had ${Math.max(0, open) / 1e6} to be paid out`;
  }

  function misfitOfUpdate(update: PayoutUpdate): string | undefined {
    const { payout_id, status, to, amount } = update;
    const known = payouts.get(payout_id);
    if (!known)
      return isRestored ? undefined : `is about ${payout_id}, which the ledger does not have before it`;
    if (to !== known.payout.to || amount !== known.payout.amount)
      return `is about ${payout_id}, but has another address or amount`;
    if (!NEXT[known.status]?.includes(status))
      return `says ${status} of ${payout_id}, which is ${known.status}`;
    return undefined;
  }

  return {
    take({ index, statement }) {
      if (from > 0 || !statement) return [];
      if (isOpening(statement)) isRestored = true;
      const wrong = isPayout(statement)
        ? misfitOf(statement)
        : isPayoutUpdate(statement)
          ? misfitOfUpdate(statement)
          : undefined;
      const transfer = transferOf(statement);
      if (transfer?.from != null) accountOf(transfer.from).balance -= transfer.amount;
      if (transfer?.to != null) accountOf(transfer.to).balance += transfer.amount;
      if (isReceipt(statement)) accountOf(statement.provider).earned += microCredits(statement.price);
      if (isPayout(statement)) {
        accountOf(statement.to).paid += microCredits(statement.amount);
        payouts.set(statement.payout_id, { payout: statement, status: 'unanswered' });
      } else if (isPayoutUpdate(statement)) {
        if (statement.status === 'withdrawn') accountOf(statement.to).paid -= microCredits(statement.amount);
        const known = payouts.get(statement.payout_id);
        if (known) known.status = statement.status;
      }
      return wrong === undefined ? [] : [fault(index, wrong)];
    },
  };
}

const fault = (index: number, what: string): LedgerFault => ({
  ...{ code: 'STATEMENT_INVALID', index, path: null },
  detail: `Entry ${index} ${what}`,
});
