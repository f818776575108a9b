import { hashes, verify } from '@noble/ed25519';
import { sha512 } from '@noble/hashes/sha2.js';
import { decodeBase64url, decodePublicKey, isPublicKey } from './keys.ts';

// Without it the library asks WebCrypto for SHA-512, which pages served over plain HTTP don't have.
hashes.sha512 = sha512;

/** What is needed of a signature: its maker's public key and itself, both in unpadded base64url. */
export interface KeyedSignature {
  key_id: string;
  sig: string;
}

/**
 * Whether an Ed25519 signature over the bytes verifies, by RFC 8032 section 5.1.7 with the cofactored equation.
 * False for malformed keys and signatures, and under keys of small order.
 *
 * The platform's own implementation is tenfold faster, but platforms differ on signatures that were crafted to sit on
 * the edge. What it accepts under a sound key the RFC's equation accepts as well; what it refuses is checked again
 * here, so that every platform comes to the same answer.
 */
export async function verifyEd25519(bytes: Uint8Array, { key_id, sig }: KeyedSignature): Promise<boolean> {
  const signature = decodeBase64url(sig);
  if (signature?.length !== 64 || !isPublicKey(key_id)) return false;
  const publicKey = decodePublicKey(key_id);
  if (await verifiesNatively(bytes, signature, publicKey)) return true;
  try {
    return verify(signature, bytes, publicKey, { zip215: false });
  } catch {
    return false;
  }
}

async function verifiesNatively(
  bytes: Uint8Array,
  signature: Uint8Array,
  publicKey: Uint8Array,
): Promise<boolean> {
  try {
    const { subtle } = globalThis.crypto;
    const key = await subtle.importKey('raw', own(publicKey), 'Ed25519', false, ['verify']);
    return await subtle.verify('Ed25519', key, own(signature), own(bytes));
  } catch {
    return false;
  }
}

/** On memory that is not shared, as WebCrypto demands. */
const own = (bytes: Uint8Array) => new Uint8Array(bytes);
