import type { Grant, UnsignedGrant } from '@aitbc/protocol';
import type { Signer } from '@aitbc/tlog/ed25519';
import type { VerifyOptions } from './checks.ts';
import { grantFaults } from './shapes.ts';
import {
  STATEMENT_CHECKS,
  type StatementCheck,
  type StatementVerification,
  signedBytes,
  signTyped,
  typedEntry,
  verifyTyped,
} from './statements.ts';

/**
 * Returns the bytes that a grant's signature covers: the canonical JSON (RFC 8785) of the grant without
 * `signature` and `inclusion`.
 *
 * @throws TypeError when the grant is not JSON
 */
export function grantBytes(grant: Grant | UnsignedGrant): Uint8Array {
  return signedBytes(grant);
}

/**
 * Returns the ledger's entry for a grant: its canonical JSON with the signature, without `inclusion`.
 *
 * @throws TypeError when the grant is not JSON
 */
export function grantEntry(grant: Grant): Uint8Array {
  return typedEntry(grant);
}

/**
 * Returns the grant with its signature.
 *
 * @throws TypeError when the grant is not JSON; and whatever the signer throws
 */
export async function signGrant(unsigned: UnsignedGrant, signer: Signer): Promise<Grant> {
  return await signTyped(unsigned, signer);
}

/** The checks of a grant, in the order of their results. They mean the same as in {@link RECEIPT_CHECKS}. */
export const GRANT_CHECKS = STATEMENT_CHECKS;
export type GrantCheck = StatementCheck;
export type GrantVerification = StatementVerification;

/**
 * Checks a grant of credits against the trusted keys. Returns an invalid result, and never throws, for any
 * value that is not a grant. The `inclusion` of a published grant is not covered by the signature and is
 * ignored.
 */
export async function verifyGrant(grant: unknown, options: VerifyOptions): Promise<GrantVerification> {
  return await verifyTyped(grant, options, { kind: 'grant', faultsOf: grantFaults });
}
