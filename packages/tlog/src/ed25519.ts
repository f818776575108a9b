import { etc, getPublicKey, hash, hashes, Point, sign, utils, verify } from '@noble/ed25519';
import { sha512 } from '@noble/hashes/sha2.js';
import { base64urlnopad } from '@scure/base';
import { isSoundPoint, isSoundR, littleEndian } from './ed25519-points.ts';

// Without this the library uses WebCrypto for SHA-512, which pages over plain HTTP do not have.
hashes.sha512 = sha512;

const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** Signs with one Ed25519 key, wherever the key is kept. */
export interface Signer {
  /** The raw public key, 32 bytes, in unpadded base64url. */
  readonly keyId: string;
  /** Returns 64 bytes: the signature over the bytes themselves, not prehashed (RFC 8032, pure Ed25519). */
  sign(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** A signer that holds its private key. Keep the seed secret. */
export interface SeedSigner extends Signer {
  /** The 32 bytes from which {@link signerFromSeed} makes the same signer again. */
  readonly seed: Uint8Array;
}

/** Returns a signer with a new random key. */
export function generateSigner(): SeedSigner {
  return signerFromSeed(utils.randomSecretKey());
}

/**
 * Returns the signer of a private key.
 *
 * @param seed the 32 bytes that RFC 8032 calls the private key
 * @throws RangeError when it has another length
 */
export function signerFromSeed(seed: Uint8Array): SeedSigner {
  if (seed.length !== KEY_BYTES) throw new RangeError('The seed of an Ed25519 key has 32 bytes');
  const secret = Uint8Array.from(seed);
  return { keyId: encodePublicKey(getPublicKey(secret)), seed: secret, sign: bytes => sign(bytes, secret) };
}

/**
 * Returns an Ed25519 public key as text: its 32 raw bytes in base64url (RFC 4648 section 5) without padding.
 */
export function encodePublicKey(bytes: Uint8Array): string {
  if (bytes.length !== KEY_BYTES) throw new RangeError('An Ed25519 public key has 32 bytes');
  return base64urlnopad.encode(bytes);
}

/**
 * Returns the 32 raw bytes of a public key. It does not check that they are a point of the curve: see
 * {@link isPublicKey}.
 *
 * @throws TypeError when the text is not 32 bytes in canonical unpadded base64url
 */
export function decodePublicKey(keyId: string): Uint8Array {
  const bytes = decodeKey(keyId);
  if (!bytes) throw new TypeError('Not a public key: 32 bytes in unpadded base64url');
  return bytes;
}

/**
 * Whether a text is an Ed25519 public key (RFC 8032 section 5.1.5) whose signatures can be trusted: the
 * canonical encoding of a point of the curve, and not one of the eight points of small order. Under those,
 * one signature fits every message.
 */
export function isPublicKey(text: unknown): text is string {
  if (typeof text !== 'string') return false;
  const bytes = decodeKey(text);
  return bytes !== undefined && isSoundPoint(bytes);
}

function decodeKey(keyId: string): Uint8Array | undefined {
  try {
    const bytes = base64urlnopad.decode(keyId);
    return bytes.length === KEY_BYTES ? bytes : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether an Ed25519 signature over the bytes verifies. Returns false for a malformed signature or key.
 *
 * RFC 8032 section 5.1.7 leaves a choice open, so implementations disagree on signatures crafted for that
 * purpose. This function follows Web Cryptography Level 2: the equation without the cofactor, and neither the
 * key nor R of small order. Every platform then agrees, and may use its own implementation, which is ten
 * times faster.
 *
 * @param keyId the raw public key, 32 bytes, in unpadded base64url
 * @param signature 64 bytes
 */
export async function verifyEd25519(
  bytes: Uint8Array,
  signature: Uint8Array,
  keyId: string,
): Promise<boolean> {
  const publicKey = decodeKey(keyId);
  if (signature.length !== SIGNATURE_BYTES || publicKey === undefined) return false;
  if (!isSoundPoint(publicKey) || !isSoundR(signature.subarray(0, KEY_BYTES))) return false;
  const parts = { bytes, signature, publicKey };
  return (await verifyNatively(parts)) ?? (verifyByLibrary(parts) && holdsWithoutCofactor(parts));
}

interface Parts {
  bytes: Uint8Array;
  signature: Uint8Array;
  publicKey: Uint8Array;
}

/** Returns undefined when the platform has no Ed25519. */
async function verifyNatively({ bytes, signature, publicKey }: Parts): Promise<boolean | undefined> {
  try {
    const { subtle } = globalThis.crypto;
    const key = await subtle.importKey('raw', unshared(publicKey), 'Ed25519', false, ['verify']);
    return await subtle.verify('Ed25519', key, unshared(signature), unshared(bytes));
  } catch {
    return undefined;
  }
}

function verifyByLibrary({ bytes, signature, publicKey }: Parts): boolean {
  try {
    return verify(signature, bytes, publicKey, { zip215: false });
  } catch {
    return false;
  }
}

/**
 * Checks [S]B − [k]A = R. The library multiplies both sides by 8, which accepts some signatures that this
 * rejects.
 */
function holdsWithoutCofactor({ bytes, signature, publicKey }: Parts): boolean {
  const R = signature.subarray(0, 32);
  const S = littleEndian(signature.subarray(32));
  const k = etc.mod(littleEndian(hash(etc.concatBytes(R, publicKey, bytes))), Point.CURVE().n);
  const point = Point.BASE.multiply(S, false).subtract(Point.fromBytes(publicKey).multiply(k, false));
  return point.equals(Point.fromBytes(R));
}

/** Copies bytes out of shared memory, which WebCrypto does not accept. */
const unshared = (bytes: Uint8Array) => new Uint8Array(bytes);
