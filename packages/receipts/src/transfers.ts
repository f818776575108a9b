import type { Grant, Opening, Receipt, Restore } from '@aitbc/protocol';
import { microCredits } from './credits.ts';
import type { Statement } from './entries.ts';

/** What an entry of the ledger moves from one balance to another. */
export interface Transfer {
  /** The address that pays; null for grants and openings, which nobody pays. */
  from: string | null;
  to: string;
  /** Millionths of a credit, a whole number: sums of those are exact. */
  amount: number;
}

/**
 * What a statement of the ledger moves. The balance of an address is the sum of what went to it, less the sum of what
 * it has paid.
 */
export function transferOf(statement: Receipt | Grant | Opening): Transfer;
/** Null for a statement that moves nothing. */
export function transferOf(statement: Statement): Transfer | null;
export function transferOf(statement: Statement): Transfer | null {
  if (isRestore(statement)) return null;
  if (isOpening(statement))
    return { from: null, to: statement.account, amount: microCredits(statement.balance) };
  return isGrant(statement)
    ? { from: null, to: statement.to, amount: microCredits(statement.amount) }
    : { from: statement.client, to: statement.provider, amount: microCredits(statement.price) };
}

/** Tells grants from receipts, which have no `type`, and from all other kinds of statements. */
export function isGrant(statement: Statement): statement is Grant {
  return 'type' in statement && statement.type === 'grant';
}

/** Whether it begins a ledger after a restore. */
export function isRestore(statement: Statement): statement is Restore {
  return 'type' in statement && statement.type === 'restore';
}

/** Whether it is an account's opening balance after a restore, which may be below 0. */
export function isOpening(statement: Statement): statement is Opening {
  return 'type' in statement && statement.type === 'opening';
}
