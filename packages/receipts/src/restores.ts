import type { Opening, Restore, UnsignedOpening, UnsignedRestore } from '@aitbc/protocol';
import type { Signer } from '@aitbc/tlog/ed25519';
import { sha256 } from '@noble/hashes/sha2.js';
import { hex } from '@scure/base';
import { microCredits } from './credits.ts';
import { type FlatVerification, signFlat, statementEntry, verifyFlat } from './flat-statements.ts';
import { openingFaults, restoreFaults } from './shape.ts';
import type { VerifyOptions } from './verifying.ts';

/**
 * The statement that begins a ledger after a restore, with its signature.
 *
 * @throws TypeError for what is not JSON; and whatever the signer throws
 */
export const signRestore = (unsigned: UnsignedRestore, signer: Signer): Promise<Restore> =>
  signFlat(unsigned, signer);

/** The same for an account's opening balance. */
export const signOpening = (unsigned: UnsignedOpening, signer: Signer): Promise<Opening> =>
  signFlat(unsigned, signer);

/** The ledger's entry for one of both: its canonical JSON with the signature. */
export const restoreEntry = (statement: Restore | Opening): Uint8Array => statementEntry(statement);

/** Checks a restore, trusting nothing but the keys. Never throws over it, whatever it is. */
export const verifyRestore = (restore: unknown, options: VerifyOptions): Promise<FlatVerification> =>
  verifyFlat(restore, { ...options, faultsOf: restoreFaults, what: 'restore' });

/** Checks an opening balance, trusting nothing but the keys. Never throws over it, whatever it is. */
export const verifyOpening = (opening: unknown, options: VerifyOptions): Promise<FlatVerification> =>
  verifyFlat(opening, { ...options, faultsOf: openingFaults, what: 'opening' });

type Balance = Pick<Opening, 'account' | 'balance'>;

/** What a restore says of the openings that follow it. */
export type BalanceTotals = Pick<Restore, 'accounts' | 'balance_sum' | 'balances_hash'>;

/** Sums balances up, one after the other in the order of their addresses, to what their restore says of them. */
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

/** Millionths of a credit as a decimal. */
function formatSum(millionths: bigint): string {
  const digits = String(millionths < 0n ? -millionths : millionths).padStart(7, '0');
  return `${millionths < 0n ? '-' : ''}${digits.slice(0, -6)}.${digits.slice(-6)}`;
}
