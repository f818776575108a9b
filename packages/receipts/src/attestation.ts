import type { Signature } from '@aitbc/protocol';
import type { Signer } from '@aitbc/tlog/ed25519';
import { canonicalBytes } from './canonical-json.ts';
import { signBytes, verifyBytes } from './signature.ts';

/** What a miner with a public key signs about a job that it ran. A receipt has all four fields. */
export interface Attestation {
  job_id: string;
  model: string;
  /** The hex SHA-256 of salt and prompt, as `textHash` makes it. */
  prompt_hash: string;
  /** The hex SHA-256 of salt and result, as `textHash` makes it. */
  artifact_hash: string;
}

/**
 * Returns the bytes that the miner signs: the canonical JSON (RFC 8785) of these four fields and no others.
 */
export function attestationBytes({ job_id, model, prompt_hash, artifact_hash }: Attestation): Uint8Array {
  return canonicalBytes({ job_id, model, prompt_hash, artifact_hash });
}

/**
 * Signs as a miner. The signature goes into a completion's `signature`, and the receipt shows it in
 * `metadata.signatures`.
 */
export async function signAttestation(statement: Attestation, signer: Signer): Promise<Signature> {
  return await signBytes(attestationBytes(statement), signer);
}

/**
 * Whether the signature over the statement verifies with the key that the signature names. The caller must
 * know whose key that is. Returns false, and never throws, for a malformed signature.
 */
export async function verifyAttestation(statement: Attestation, signature: Signature): Promise<boolean> {
  return signature.alg === 'Ed25519' && (await verifyBytes(attestationBytes(statement), signature));
}
