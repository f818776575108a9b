import type {
  Grant,
  Opening,
  Payout,
  PayoutUpdate,
  Receipt,
  Restore,
  VerificationStatement,
} from '@aitbc/protocol';
import { microCredits } from './credits.ts';

/** The kinds of statements that this package knows. A receipt has no `type`; the others name their kind in it. */
export type Statement = Receipt | Grant | Payout | PayoutUpdate | Restore | Opening | VerificationStatement;

/** Credits that a ledger entry moves from one balance to another. */
export interface Transfer {
  /** The address that pays; null for grants, openings and withdrawn payouts, which nobody pays. */
  from: string | null;
  /** The address that is paid; null for a payout, which is paid outside of the network. */
  to: string | null;
  /** Whole millionths of a credit, whose sums are exact. */
  amount: number;
}

/**
 * Returns what a ledger statement moves. The balance of an address is the sum of what it received, less the
 * sum of what it paid.
 */
export function transferOf(statement: Receipt | Grant | Opening | Payout): Transfer;
/** Returns null for restores, verifications and answers to payouts, which move nothing. */
export function transferOf(statement: Statement): Transfer | null;
export function transferOf(statement: Statement): Transfer | null {
  if (isReceipt(statement))
    return { from: statement.client, to: statement.provider, amount: microCredits(statement.price) };
  switch (statement.type) {
    case 'grant':
      return { from: null, to: statement.to, amount: microCredits(statement.amount) };
    case 'opening':
      return { from: null, to: statement.account, amount: microCredits(statement.balance) };
    case 'payout':
      return { from: statement.to, to: null, amount: microCredits(statement.amount) };
    case 'payout_update':
      if (statement.status !== 'withdrawn') return null;
      return { from: null, to: statement.to, amount: microCredits(statement.amount) };
    case 'restore':
    case 'verification':
      return null;
  }
}

export function isReceipt(statement: Statement): statement is Receipt {
  return !('type' in statement);
}

export function isGrant(statement: Statement): statement is Grant {
  return 'type' in statement && statement.type === 'grant';
}

export function isRestore(statement: Statement): statement is Restore {
  return 'type' in statement && statement.type === 'restore';
}

export function isOpening(statement: Statement): statement is Opening {
  return 'type' in statement && statement.type === 'opening';
}

export function isPayout(statement: Statement): statement is Payout {
  return 'type' in statement && statement.type === 'payout';
}

export function isPayoutUpdate(statement: Statement): statement is PayoutUpdate {
  return 'type' in statement && statement.type === 'payout_update';
}

export function isVerification(statement: Statement): statement is VerificationStatement {
  return 'type' in statement && statement.type === 'verification';
}
