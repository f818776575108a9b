import type { PassportStatement, Signature } from '@aitbc/protocol';
import type { Signer } from '@aitbc/tlog/ed25519';
import { sha256 } from '@noble/hashes/sha2.js';
import { hex } from '@scure/base';
import { canonicalBytes } from './canonical-json.ts';
import { signBytes, verifyBytes } from './signature.ts';

/** What a miner signs about a model that it offers. */
export interface SignedPassport {
  miner_id: string;
  model: string;
  /** The passport without its signature. */
  passport: PassportStatement;
}

/** Returns the hex SHA-256 of the passport's canonical JSON. Equal set-ups of different miners have equal digests. */
export function passportDigest(passport: PassportStatement): string {
  return hex.encode(sha256(canonicalBytes(passport)));
}

/** Returns the bytes to sign: the canonical JSON (RFC 8785) of these fields, `type` and `version`. */
export function passportBytes({ miner_id, model, passport }: SignedPassport): Uint8Array {
  return canonicalBytes({ type: 'passport', version: '1', miner_id, model, passport });
}

/** Returns the `signature` of a passport. The signer must hold the key that the miner registers with. */
export async function signPassport(signed: SignedPassport, signer: Signer): Promise<Signature> {
  return await signBytes(passportBytes(signed), signer);
}

/** Whether the signature over the passport verifies with the key that the signature names. Never throws. */
export async function verifyPassport(signed: SignedPassport, signature: Signature): Promise<boolean> {
  return signature.alg === 'Ed25519' && (await verifyBytes(passportBytes(signed), signature));
}
