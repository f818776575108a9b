import type { Signature } from '@aitbc/protocol';
import type { Signer } from '@aitbc/tlog/ed25519';
import { canonicalBytes } from './canonical-json.ts';
import { signBytes, verifyBytes } from './signature.ts';

/** What a process signs when it registers a miner, to prove that it holds the private key. */
export interface RegistrationStatement {
  miner_id: string;
  /** The miner's registered key; null when it has none. */
  public_key: string | null;
  /** The session of the process. Another process can not use the signature, as its session differs. */
  session: string | null;
  /** The address that earnings go to; null when the coordinator chooses it. */
  address: string | null;
}

/** Returns the bytes to sign: the canonical JSON (RFC 8785) of these four fields and no others. */
export function registrationBytes({
  miner_id,
  public_key,
  session,
  address,
}: RegistrationStatement): Uint8Array {
  return canonicalBytes({ miner_id, public_key, session, address });
}

/**
 * Returns the `proof` of a registration. The signer must hold the key that the miner is registered with so
 * far.
 */
export async function signRegistration(statement: RegistrationStatement, signer: Signer): Promise<Signature> {
  return await signBytes(registrationBytes(statement), signer);
}

/** Whether the signature over the statement verifies with the key that the signature names. Never throws. */
export async function verifyRegistration(
  statement: RegistrationStatement,
  signature: Signature,
): Promise<boolean> {
  return signature.alg === 'Ed25519' && (await verifyBytes(registrationBytes(statement), signature));
}
