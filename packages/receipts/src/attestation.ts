import type { Signature } from '@aitbc/protocol';
import type { Signer } from '@aitbc/tlog/ed25519';
import { canonicalBytes } from './canonical-json.ts';
import { signBytes, verifyBytes } from './signatures.ts';

/** What a miner with a public key states about a job that it ran. A receipt has all four fields. */
export interface Attestation {
  job_id: string;
  model: string;
  /** hex SHA-256 of salt and prompt, see `textHash`. */
  prompt_hash: string;
  /** hex SHA-256 of salt and result. */
  artifact_hash: string;
}

/** What the miner signs: canonical JSON (RFC 8785) of these four fields. Others that the object has are left out. */
export function attestationBytes({ job_id, model, prompt_hash, artifact_hash }: Attestation): Uint8Array {
  return canonicalBytes({ job_id, model, prompt_hash, artifact_hash });
}

/** A miner's signature, as `signature` of a completion takes it and `metadata.signatures` of the receipt shows it. */
export async function signAttestation(statement: Attestation, signer: Signer): Promise<Signature> {
  return await signBytes(attestationBytes(statement), signer);
}

/**
 * Whether the signature over the statement verifies with the key that the signature names. Whose key that is, is
 * for the caller to know. False, never an error, for a signature that is malformed.
 */
export async function verifyAttestation(statement: Attestation, signature: Signature): Promise<boolean> {
  return signature.alg === 'Ed25519' && (await verifyBytes(attestationBytes(statement), signature));
}
