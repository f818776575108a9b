import { Point } from '@noble/ed25519';
import { bytesToHex } from '@noble/hashes/utils.js';

const SIGN_OF_X = 0x80;
const MODULUS = 2n ** 255n - 19n;

/** The y coordinates of the eight points of small order. */
const SMALL_ORDER_Y: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  MODULUS - 1n,
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
  0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n,
]);

/**
 * The results for the points asked about last. Few keys make most signatures, and decoding a point is slow.
 */
const known = new Map<string, boolean>();
const KNOWN_POINTS = 256;

/** Whether 32 bytes are the canonical encoding of a point of the curve that is not of small order. */
export function isSoundPoint(bytes: Uint8Array): boolean {
  const name = bytesToHex(bytes);
  const sound = known.get(name) ?? decodes(bytes);
  known.delete(name);
  known.set(name, sound);
  const [oldest = ''] = known.keys();
  if (known.size > KNOWN_POINTS) known.delete(oldest);
  return sound;
}

function decodes(bytes: Uint8Array): boolean {
  try {
    return !Point.fromBytes(bytes).isSmallOrder();
  } catch {
    return false;
  }
}

/**
 * Whether the 32 bytes of R in a signature are canonical and not of small order. They need not be checked to
 * be a point, because the other side of the equation is one.
 */
export function isSoundR(bytes: Uint8Array): boolean {
  const last = bytes.length - 1;
  const y = littleEndian(bytes.with(last, (bytes[last] ?? 0) & ~SIGN_OF_X));
  return y < MODULUS && !SMALL_ORDER_Y.has(y);
}

export function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${bytesToHex(Uint8Array.from(bytes).reverse())}`);
}
