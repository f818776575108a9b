import { Point } from '@noble/ed25519';
import { base64urlnopad } from '@scure/base';

const PUBLIC_KEY_BYTES = 32;

/** The name of an Ed25519 public key: its 32 raw bytes in base64url (RFC 4648 section 5) without padding. */
export function encodePublicKey(bytes: Uint8Array): string {
  if (bytes.length !== PUBLIC_KEY_BYTES) throw new RangeError('An Ed25519 public key has 32 bytes');
  return base64urlnopad.encode(bytes);
}

/**
 * The raw bytes of a public key by its name.
 *
 * @throws TypeError when it is not the one spelling of 32 bytes; whether they are a point of the curve is the
 * business of {@link isPublicKey}
 */
export function decodePublicKey(keyId: string): Uint8Array {
  const bytes = decodeBase64url(keyId);
  if (bytes?.length !== PUBLIC_KEY_BYTES)
    throw new TypeError('Not a public key: 32 bytes in unpadded base64url');
  return bytes;
}

/**
 * Whether a text names an Ed25519 public key (RFC 8032 section 5.1.5) that signatures can be trusted under: the
 * canonical encoding of a point of the curve, and not one of the eight points of small order, under which one
 * signature fits every message.
 */
export function isPublicKey(text: unknown): text is string {
  if (typeof text !== 'string') return false;
  const bytes = decodeBase64url(text);
  return bytes?.length === PUBLIC_KEY_BYTES && isSoundPoint(bytes);
}

/** Whether 32 bytes are the canonical encoding of a point of the curve that is not of small order. */
export function isSoundPoint(bytes: Uint8Array): boolean {
  try {
    return !Point.fromBytes(bytes).isSmallOrder();
  } catch {
    return false;
  }
}

/** undefined for anything but the one spelling of some bytes. */
export function decodeBase64url(text: string): Uint8Array | undefined {
  try {
    return base64urlnopad.decode(text);
  } catch {
    return undefined;
  }
}
