import type { Signature } from '@aitbc/protocol';
import type { Signer } from '@aitbc/tlog/ed25519';
import { canonicalBytes } from './canonical-json.ts';
import { signBytes, verifyBytes } from './signatures.ts';

/** What a process states that registers a miner, to show that it holds a private key. */
export interface RegistrationStatement {
  miner_id: string;
  /** The key that is registered; null where none is. */
  public_key: string | null;
  /** What the process is known by, so that a statement is of no use to another process. */
  session: string | null;
  /** Where the earnings go; null where the coordinator chooses. */
  address: string | null;
}

/** What is signed: canonical JSON (RFC 8785) of these four fields. Others that the object has are left out. */
export function registrationBytes({
  miner_id,
  public_key,
  session,
  address,
}: RegistrationStatement): Uint8Array {
  return canonicalBytes({ miner_id, public_key, session, address });
}

/** The `proof` of a registration, by the key that the miner is registered with so far. */
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
