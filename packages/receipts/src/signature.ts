import type { Signature } from '@aitbc/protocol';
import { type Signer, verifyEd25519 } from '@aitbc/tlog/ed25519';
import { base64urlnopad } from '@scure/base';
import { toBase64url } from './bytes.ts';

/** Signs bytes with Ed25519. Key and signature are in unpadded base64url, as the protocol writes them. */
export async function signBytes(bytes: Uint8Array, signer: Signer): Promise<Signature> {
  const sig = toBase64url(await signer.sign(bytes));
  return { alg: 'Ed25519', key_id: signer.keyId, sig };
}

/**
 * Whether an Ed25519 signature over the bytes verifies with the key that it names. Returns false for a
 * malformed signature. The caller checks `alg`.
 */
export async function verifyBytes(bytes: Uint8Array, { key_id, sig }: Signature): Promise<boolean> {
  const signature = decodeBase64url(sig);
  return signature !== undefined && (await verifyEd25519(bytes, signature, key_id));
}

/** Returns undefined for text that is not unpadded base64url in its canonical form. */
export function decodeBase64url(text: string): Uint8Array | undefined {
  try {
    return base64urlnopad.decode(text);
  } catch {
    return undefined;
  }
}
