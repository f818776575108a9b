import type { EarningsTotals } from '@aitbc/protocol';
import type { Row } from '../store/schema.ts';

type Earnings = Pick<
  Row<'account'>,
  'earned' | 'paid_out' | 'payouts_confirmed' | 'payouts_disputed' | 'balance' | 'reserved'
>;

/**
 * The most that the account can be paid out, in micro-credits: what it earned and was not paid for, as far as it has not
 * spent that. Granted credits are not paid out, so they may stay when earned ones are.
 */
export const payableOf = ({ earned, paid_out, balance, reserved }: Earnings): number =>
  Math.max(0, Math.min(earned - paid_out, balance - reserved));

/** Sums up what an account earned and was paid, in credits. */
export function earningsOf(account: Partial<Earnings>): EarningsTotals {
  const { earned = 0, paid_out = 0, payouts_confirmed = 0, payouts_disputed = 0 } = account;
  const { balance = 0, reserved = 0 } = account;
  const all = { earned, paid_out, payouts_confirmed, payouts_disputed, balance, reserved };
  return {
    earned: earned / 1e6,
    paid: paid_out / 1e6,
    confirmed: payouts_confirmed / 1e6,
    disputed: payouts_disputed / 1e6,
    open: (earned - paid_out) / 1e6,
    payable: payableOf(all) / 1e6,
  };
}
