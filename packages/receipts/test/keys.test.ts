import { createPublicKey } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  addressFromPublicKey,
  decodePublicKey,
  encodePublicKey,
  generateSigner,
  isAddress,
  isPublicKey,
  signerFromSeed,
} from '../src/index.ts';
import { COORDINATOR, STRANGER } from './issued.ts';

test('each generated signer has a key of its own', () => {
  expect(generateSigner().keyId).not.toBe(generateSigner().keyId);
});

test('a generated signer is made again from its seed', () => {
  const signer = generateSigner();
  expect(signerFromSeed(signer.seed).keyId).toBe(signer.keyId);
});

test('a signer keeps its key when the bytes of the seed are overwritten', async () => {
  const seed = new Uint8Array(32).fill(3);
  const signer = signerFromSeed(seed);
  seed.fill(0);
  const bytes = new TextEncoder().encode('text');
  expect(await signer.sign(bytes)).toEqual(await STRANGER.sign(bytes));
});

test.each([[0], [31], [64]])('a seed of %i bytes is refused', length => {
  expect(() => signerFromSeed(new Uint8Array(length))).toThrow(RangeError);
});

test('node:crypto takes the key id as a JWK', () => {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: COORDINATOR.keyId };
  expect(createPublicKey({ key: jwk, format: 'jwk' }).asymmetricKeyType).toBe('ed25519');
});

test('a key id is read back from its bytes', () => {
  expect(encodePublicKey(decodePublicKey(COORDINATOR.keyId))).toBe(COORDINATOR.keyId);
});

test('a key has 32 bytes', () => {
  expect(() => encodePublicKey(new Uint8Array(33))).toThrow(RangeError);
  expect(() => decodePublicKey('AAAA')).toThrow(TypeError);
});

test('what is no key has no address', () => {
  expect(() => addressFromPublicKey(`${COORDINATOR.keyId}=`)).toThrow(TypeError);
});

test.each([[undefined], [null], [7], [{}], [['ait1']]])('%s is neither key nor address', value => {
  expect([isPublicKey(value), isAddress(value)]).toEqual([false, false]);
});

test('a generated key is a public key', () => {
  expect(isPublicKey(generateSigner().keyId)).toBe(true);
});
