import type { Grant, Opening, Receipt, Restore } from '@aitbc/protocol';
import { microCredits } from './credits.ts';
import type { Statement } from './verify-entry.ts';

/** Credits that a ledger entry moves from one balance to another. */
export interface Transfer {
  /** The address that pays; null for grants and openings, which nobody pays. */
  from: string | null;
  to: string;
  /** Whole millionths of a credit, whose sums are exact. */
  amount: number;
}

/**
 * Returns what a ledger statement moves. The balance of an address is the sum of what it received, less the
 * sum of what it paid.
 */
export function transferOf(statement: Receipt | Grant | Opening): Transfer;
/** Returns null for a restore, which moves nothing. */
export function transferOf(statement: Statement): Transfer | null;
export function transferOf(statement: Statement): Transfer | null {
  if (isRestore(statement)) return null;
  if (isOpening(statement))
    return { from: null, to: statement.account, amount: microCredits(statement.balance) };
  return isGrant(statement)
    ? { from: null, to: statement.to, amount: microCredits(statement.amount) }
    : { from: statement.client, to: statement.provider, amount: microCredits(statement.price) };
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
