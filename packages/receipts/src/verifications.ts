import type { ScoredToken, UnsignedVerification, VerificationStatement } from '@aitbc/protocol';
import type { Signer } from '@aitbc/tlog/ed25519';
import { canonicalJson } from './canonical-json.ts';
import type { VerifyOptions } from './checks.ts';
import { textHash } from './disclosure.ts';
import { verificationFaults } from './shapes.ts';
import { type StatementVerification, signTyped, typedEntry, verifyTyped } from './statements.ts';

/**
 * Signs what a verifier found of an answer, as the coordinator.
 *
 * @throws TypeError when the statement is not JSON; and whatever the signer throws
 */
export const signVerification = (
  unsigned: UnsignedVerification,
  signer: Signer,
): Promise<VerificationStatement> => signTyped(unsigned, signer);

/** Returns the ledger's entry for a verification: its canonical JSON with the signature. */
export const verificationEntry = (statement: VerificationStatement): Uint8Array => typedEntry(statement);

/** Checks a verification against the trusted keys. Returns an invalid result, and never throws, for any other value. */
export const verifyVerification = (
  statement: unknown,
  options: VerifyOptions,
): Promise<StatementVerification> =>
  verifyTyped(statement, options, { kind: 'verification', faultsOf: verificationFaults });

/**
 * Returns the commitment to the numbers of all tokens, which is a verification's `scores_hash`: SHA-256 over the salt and
 * their canonical JSON, hex.
 *
 * @param salt 32 small hex digits
 */
export const scoresHash = (salt: string, tokens: readonly ScoredToken[]): string =>
  textHash(salt, canonicalJson(tokens));
