import type { Opening, Restore, UnsignedOpening, UnsignedRestore } from '@aitbc/protocol';
import type { Signer } from '@aitbc/tlog/ed25519';
import { sha256 } from '@noble/hashes/sha2.js';
import { hex } from '@scure/base';
import type { VerifyOptions } from './checks.ts';
import { microCredits } from './credits.ts';
import { openingFaults, restoreFaults } from './shapes.ts';
import { type StatementVerification, signTyped, typedEntry, verifyTyped } from './statements.ts';

/**
 * Signs the first statement of a ledger after a restore.
 *
 * @throws TypeError when the statement is not JSON; and whatever the signer throws
 */
export const signRestore = (unsigned: UnsignedRestore, signer: Signer): Promise<Restore> =>
  signTyped(unsigned, signer);

/** Signs an account's opening balance. Throws as {@link signRestore} does. */
export const signOpening = (unsigned: UnsignedOpening, signer: Signer): Promise<Opening> =>
  signTyped(unsigned, signer);

/** Returns the ledger's entry for a restore or an opening balance: its canonical JSON with the signature. */
export const restoreEntry = (statement: Restore | Opening): Uint8Array => typedEntry(statement);

/**
 * Checks a restore against the trusted keys. Returns an invalid result, and never throws, for any other
 * value.
 */
export const verifyRestore = (restore: unknown, options: VerifyOptions): Promise<StatementVerification> =>
  verifyTyped(restore, options, { kind: 'restore', faultsOf: restoreFaults });

/**
 * Checks an opening balance against the trusted keys. Returns an invalid result, and never throws, for any
 * other value.
 */
export const verifyOpening = (opening: unknown, options: VerifyOptions): Promise<StatementVerification> =>
  verifyTyped(opening, options, { kind: 'opening', faultsOf: openingFaults });

type Balance = Pick<Opening, 'account' | 'balance'>;

/** The fields of a restore that sum up the opening balances after it. */
export type BalanceTotals = Pick<Restore, 'accounts' | 'balance_sum' | 'balances_hash'>;

/**
 * Sums up opening balances to the totals of their restore. Add them in the order of their addresses, as they
 * are hashed.
 */
export function createBalanceTotals(): { add(balance: Balance): void; totals(): BalanceTotals } {
  const hasher = sha256.create();
  let [accounts, sum] = [0, 0n];
  return {
    add({ account, balance }) {
      const millionths = microCredits(balance);
      accounts++;
      sum += BigInt(millionths);
      hasher.update(utf8.encode(`${account} ${millionths}\n`));
    },
    totals: () => ({
      accounts,
      balance_sum: formatSum(sum),
      balances_hash: hex.encode(hasher.clone().digest()),
    }),
  };
}

const utf8 = new TextEncoder();

/** Writes millionths of a credit as a decimal with 6 places. */
function formatSum(millionths: bigint): string {
  const digits = String(millionths < 0n ? -millionths : millionths).padStart(7, '0');
  return `${millionths < 0n ? '-' : ''}${digits.slice(0, -6)}.${digits.slice(-6)}`;
}
