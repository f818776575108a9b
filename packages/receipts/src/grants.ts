import type { Grant, UnsignedGrant } from '@aitbc/protocol';
import type { Signer } from '@aitbc/tlog/ed25519';
import {
  FLAT_CHECKS,
  type FlatCheck,
  type FlatVerification,
  signedBytes,
  signFlat,
  statementEntry,
  verifyFlat,
} from './flat-statements.ts';
import { grantFaults } from './shape.ts';
import type { VerifyOptions } from './verifying.ts';

/**
 * The bytes that a grant's signature covers: canonical JSON (RFC 8785) of the grant without its `signature`, and without
 * the `inclusion` that coordinators show beside it.
 *
 * @throws TypeError for what is not JSON
 */
export function grantBytes(grant: Grant | UnsignedGrant): Uint8Array {
  return signedBytes(grant);
}

/**
 * The ledger's entry for a grant: its canonical JSON with the signature, without the `inclusion` that coordinators show
 * beside it.
 *
 * @throws TypeError for what is not JSON
 */
export function grantEntry(grant: Grant): Uint8Array {
  return statementEntry(grant);
}

/**
 * The grant with its signature.
 *
 * @throws TypeError for what is not JSON; and whatever the signer throws
 */
export async function signGrant(unsigned: UnsignedGrant, signer: Signer): Promise<Grant> {
  return await signFlat(unsigned, signer);
}

/** What is checked of a grant, in this order. They mean what the checks of a receipt mean. */
export const GRANT_CHECKS = FLAT_CHECKS;
export type GrantCheck = FlatCheck;
export type GrantVerification = FlatVerification;

/**
 * Checks a grant of credits, trusting nothing but the keys. Never throws over a grant, whatever it is. The `inclusion` of
 * a published grant, which the signature does not cover, is set aside.
 */
export async function verifyGrant(grant: unknown, options: VerifyOptions): Promise<GrantVerification> {
  return await verifyFlat(grant, { ...options, faultsOf: grantFaults, what: 'grant' });
}
