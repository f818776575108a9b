import type { Grant, Receipt } from '@aitbc/protocol';
import { microCredits } from './credits.ts';

/** What an entry of the ledger moves from one balance to another. */
export interface Transfer {
  /** The address that pays; null for a grant, which nobody pays. */
  from: string | null;
  to: string;
  /** Millionths of a credit, a whole number: sums of those are exact. */
  amount: number;
}

/**
 * What a statement of the ledger moves. The balance of an address is the sum of what went to it, less the sum of what
 * it has paid.
 */
export function transferOf(statement: Receipt | Grant): Transfer {
  return isGrant(statement)
    ? { from: null, to: statement.to, amount: microCredits(statement.amount) }
    : { from: statement.client, to: statement.provider, amount: microCredits(statement.price) };
}

/** Tells grants from receipts, which have no `type`: the two kinds of statements that the ledger has. */
export function isGrant(statement: Receipt | Grant): statement is Grant {
  return 'type' in statement && statement.type === 'grant';
}
