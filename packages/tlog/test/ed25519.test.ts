import { etc, getPublicKey, hash, Point, utils } from '@noble/ed25519';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodePublicKey, isPublicKey, signerFromSeed, verifyEd25519 } from '../src/ed25519.ts';
import { isSoundR } from '../src/ed25519-points.ts';

const SEED = new Uint8Array(32).fill(1);
const SIGNER = signerFromSeed(SEED);
const TEXT = new TextEncoder().encode('text');
const ORDER_8 = Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05');
const smallOrder = Array.from({ length: 8 }, (_, index) => ORDER_8.multiply(BigInt(index + 1), false));
const P = 2n ** 255n - 19n;

const littleEndian = (value: bigint) =>
  Uint8Array.from({ length: 32 }, (_, index) => Number((value >> BigInt(8 * index)) & 255n));
const withSign = (bytes: Uint8Array) => bytes.with(31, (bytes[31] ?? 0) | 0x80);
const isSoundPoint = (bytes: Uint8Array) => {
  try {
    return !Point.fromBytes(bytes).isSmallOrder();
  } catch {
    return false;
  }
};

test('a signature verifies with the key that made it, however often it is asked', async () => {
  const signature = await SIGNER.sign(TEXT);
  for (let times = 0; times < 3; times++) {
    expect(await verifyEd25519(TEXT, signature, SIGNER.keyId)).toBe(true);
    expect(await verifyEd25519(TEXT, signature.with(40, 7), SIGNER.keyId)).toBe(false);
  }
});

test('more keys than are remembered verify alike', async () => {
  const signers = Array.from({ length: 300 }, (_, index) =>
    signerFromSeed(
      new Uint8Array(32)
        .fill(1)
        .with(0, index % 256)
        .with(1, index >> 8),
    ),
  );
  const verified = signers.map(async ({ keyId, sign }) => verifyEd25519(TEXT, await sign(TEXT), keyId));
  expect(new Set(await Promise.all(verified))).toEqual(new Set([true]));
});

test.each(smallOrder.map(point => [point.toHex(), point] as const))('%s is no key, and no R', (_, point) => {
  const bytes = point.toBytes();
  expect(isPublicKey(encodePublicKey(bytes))).toBe(false);
  expect([isSoundR(bytes), isSoundR(withSign(bytes))]).toEqual([false, false]);
});

test('whatever is a point but not sound is no R', () => {
  const numbers = fc.oneof(fc.bigInt(0n, 2n ** 256n - 1n), fc.bigInt(P - 40n, P + 40n), fc.bigInt(0n, 40n));
  fc.assert(
    fc.property(numbers, value => {
      const bytes = littleEndian(value);
      if (isSoundPoint(bytes)) expect(isSoundR(bytes)).toBe(true);
      else if (isSoundR(bytes)) expect(() => Point.fromBytes(bytes)).toThrow();
    }),
    { numRuns: 500 },
  );
});

test('a signature made for R to be of small order does not verify, though the equation holds', async () => {
  const { scalar } = utils.getExtendedPublicKey(SEED);
  const forgeryWith = (R: Uint8Array) => {
    const k = etc.mod(
      BigInt(`0x${etc.bytesToHex(hash(etc.concatBytes(R, getPublicKey(SEED), TEXT)).reverse())}`),
      Point.CURVE().n,
    );
    return etc.concatBytes(R, littleEndian(etc.mod(k * scalar, Point.CURVE().n)));
  };
  for (const R of [littleEndian(1n), littleEndian(P + 1n), withSign(littleEndian(1n))]) {
    expect(await verifyEd25519(TEXT, forgeryWith(R), SIGNER.keyId)).toBe(false);
  }
});
