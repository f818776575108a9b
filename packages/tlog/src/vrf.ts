import { etc, hashes, Point, utils } from '@noble/ed25519';
import { sha512 } from '@noble/hashes/sha2.js';
import { concatBytes } from '@noble/hashes/utils.js';
import { decodePublicKey, encodePublicKey } from './ed25519.ts';
import { littleEndian } from './ed25519-points.ts';

/*
 * A verifiable random function: ECVRF-EDWARDS25519-SHA512-TAI of RFC 9381. Only who has the private key can compute the
 * output for an input; anybody can check it by the proof, and no other output has a valid proof.
 */

hashes.sha512 = sha512;

const SUITE = 0x03;
const POINT_BYTES = 32;
const CHALLENGE_BYTES = 16;
const SCALAR_BYTES = 32;
const PROOF_BYTES = POINT_BYTES + CHALLENGE_BYTES + SCALAR_BYTES;

const { n: ORDER } = Point.CURVE();

/** A key pair of the function. */
export interface VrfKey {
  /** The public key, 32 bytes, in unpadded base64url. */
  readonly keyId: string;
  /** Returns the output for an input, 64 bytes, and its proof, 80 bytes. */
  prove(input: Uint8Array): { output: Uint8Array; proof: Uint8Array };
}

/** @param seed the 32 bytes that RFC 8032 calls the private key. Use a key that signs nothing. */
export function vrfKeyFromSeed(seed: Uint8Array): VrfKey {
  const { scalar, prefix, point: publicKey } = utils.getExtendedPublicKey(seed);
  const key = publicKey.toBytes();
  return {
    keyId: encodePublicKey(key),
    prove(input) {
      const h = encodeToCurve(key, input);
      const gamma = h.multiply(scalar);
      // Section 5.4.2.2: the nonce of RFC 8032, with the encoded point as its message.
      const k = etc.mod(littleEndian(sha512(concatBytes(prefix, h.toBytes()))), ORDER);
      const c = challenge([publicKey, h, gamma, Point.BASE.multiply(k), h.multiply(k)]);
      const s = etc.mod(k + c * scalar, ORDER);
      const proof = concatBytes(
        gamma.toBytes(),
        toLittleEndian(c, CHALLENGE_BYTES),
        toLittleEndian(s, SCALAR_BYTES),
      );
      return { output: outputOf(gamma), proof };
    },
  };
}

/**
 * Returns the output that a proof proves for an input, 64 bytes, or undefined where the proof is not valid. Never throws.
 *
 * @param keyId the public key in unpadded base64url
 */
export function verifyVrf(keyId: string, input: Uint8Array, proof: Uint8Array): Uint8Array | undefined {
  if (proof.length !== PROOF_BYTES) return undefined;
  try {
    const key = decodePublicKey(keyId);
    const publicKey = Point.fromBytes(key);
    const gamma = Point.fromBytes(proof.slice(0, POINT_BYTES));
    const c = littleEndian(proof.slice(POINT_BYTES, POINT_BYTES + CHALLENGE_BYTES));
    const s = littleEndian(proof.slice(POINT_BYTES + CHALLENGE_BYTES));
    if (publicKey.isSmallOrder() || s >= ORDER) return undefined;
    const h = encodeToCurve(key, input);
    const u = times(Point.BASE, s).subtract(times(publicKey, c));
    const v = times(h, s).subtract(times(gamma, c));
    return challenge([publicKey, h, gamma, u, v]) === c ? outputOf(gamma) : undefined;
  } catch {
    return undefined;
  }
}

/** Everything here is public, so the faster multiplication does no harm. */
const times = (point: Point, scalar: bigint) => point.multiplyUnsafe(scalar);

/** Section 5.4.1.1: the first hash, of those with a counter, that is a point; without its part of small order. */
function encodeToCurve(salt: Uint8Array, input: Uint8Array): Point {
  for (let counter = 0; counter < 256; counter++) {
    const digest = sha512(concatBytes(Uint8Array.of(SUITE, 1), salt, input, Uint8Array.of(counter, 0)));
    const point = decode(digest.slice(0, POINT_BYTES))?.clearCofactor();
    if (point && !point.is0()) return point;
  }
  throw new Error('No hash of this input is a point of the curve');
}

function decode(bytes: Uint8Array): Point | undefined {
  try {
    return Point.fromBytes(bytes);
  } catch {
    return undefined;
  }
}

/** Section 5.4.3. */
function challenge(points: readonly Point[]): bigint {
  const encoded = points.map(point => point.toBytes());
  const digest = sha512(concatBytes(Uint8Array.of(SUITE, 2), ...encoded, Uint8Array.of(0)));
  return littleEndian(digest.slice(0, CHALLENGE_BYTES));
}

/** Section 5.2. */
const outputOf = (gamma: Point): Uint8Array =>
  sha512(concatBytes(Uint8Array.of(SUITE, 3), gamma.clearCofactor().toBytes(), Uint8Array.of(0)));

function toLittleEndian(value: bigint, length: number): Uint8Array {
  const hex = value.toString(16).padStart(length * 2, '0');
  return Uint8Array.from(hex.match(/../g) ?? [], byte => Number.parseInt(byte, 16)).reverse();
}
