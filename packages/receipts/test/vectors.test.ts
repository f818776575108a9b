import { createPrivateKey, sign } from 'node:crypto';
import type { Grant, Receipt, Signature } from '@aitbc/protocol';
import { hex } from '@scure/base';
import { expect, test } from 'vitest';
import {
  addressFromLabel,
  addressFromPublicKey,
  attestationBytes,
  canonicalJson,
  grantBytes,
  isAddress,
  isPublicKey,
  parseCanonicalJson,
  parseStrictJson,
  receiptBytes,
  signAttestation,
  signerFromSeed,
  signGrant,
  signReceipt,
  textHash,
  verifyAttestation,
  verifyGrant,
  verifyReceipt,
} from '../src/index.ts';
import { failed } from './issued.ts';
import addresses from './vectors/addresses.json' with { type: 'json' };
import attestations from './vectors/attestations.json' with { type: 'json' };
import canonical from './vectors/canonical-json.json' with { type: 'json' };
import grants from './vectors/grants.json' with { type: 'json' };
import hashes from './vectors/hashes.json' with { type: 'json' };
import receipts from './vectors/receipts.json' with { type: 'json' };

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

test.each(canonical.numbers)('the double $ieee754 is spelled $canonical', ({ ieee754, canonical }) => {
  const double = new DataView(hex.decode(ieee754).buffer).getFloat64(0);
  expect(canonicalJson(double)).toBe(canonical);
});

test.each(canonical.values)('canonical JSON: $name', ({ json, canonical }) => {
  expect(canonicalJson(parseStrictJson(json))).toBe(canonical);
});

test.each(canonical.values)('canonical JSON is read back: $name', ({ json, canonical }) => {
  expect(parseCanonicalJson(canonical)).toEqual(JSON.parse(json));
});

test.each(canonical.not_canonical)('JSON that is not canonical is refused as such: $name', ({ json }) => {
  expect(() => parseStrictJson(json)).not.toThrow();
  expect(() => parseCanonicalJson(json)).toThrow(SyntaxError);
});

test.each(canonical.refused)('what is not I-JSON is refused: $name', ({ json }) => {
  expect(() => parseStrictJson(json)).toThrow(SyntaxError);
});

test.each(addresses.public_keys)('the key of the seed $seed has its address', ({ seed, ...expected }) => {
  const { keyId } = signerFromSeed(hex.decode(seed));
  expect({ key_id: keyId, address: addressFromPublicKey(keyId) }).toEqual(expected);
});

test.each(addresses.labels)('the label "$label" has its address', ({ label, address }) => {
  expect(addressFromLabel(label)).toBe(address);
  expect(isAddress(address)).toBe(true);
});

test.each(addresses.invalid)('no address: $name', ({ address }) => {
  expect(isAddress(address)).toBe(false);
});

test.each(addresses.invalid_public_keys)('no public key: $name', ({ key_id }) => {
  expect(isPublicKey(key_id)).toBe(false);
});

test.each(hashes.hashes)('the hash of "$text" is $hash', ({ salt, text, hash }) => {
  expect(textHash(salt, text)).toBe(hash);
});

test.each(attestations.attestations)('an attestation is signed as it was', async vector => {
  const { seed, statement, signed, signature } = vector;
  expect(text(attestationBytes(statement))).toBe(signed);
  expect(await signAttestation(statement, signerFromSeed(hex.decode(seed)))).toEqual(signature);
});

test.each(attestations.invalid)('a signature of a miner does not verify: $name', async ({ signature }) => {
  const [genuine] = attestations.attestations;
  expect(await verifyAttestation(genuine?.statement as never, signature as Signature)).toBe(false);
});

test.each(receipts.valid)('a receipt is signed as it was: $name', async ({ receipt, signed, entry }) => {
  const { signature, ...unsigned } = receipt as Receipt;
  const again = await signReceipt(unsigned, signerFromSeed(hex.decode(receipts.seed)));
  expect(text(receiptBytes(unsigned))).toBe(signed);
  expect(again.signature).toEqual(signature);
  expect(canonicalJson(again)).toBe(entry);
});

test.each(receipts.valid)('the text that was signed has the signature of node:crypto: $name', vector => {
  const { receipt, signed } = vector;
  const key = createPrivateKey({ key: pkcs8(receipts.seed), format: 'der', type: 'pkcs8' });
  expect(sign(null, Buffer.from(signed), key).toString('base64url')).toBe(receipt.signature.sig);
});

test.each(receipts.valid)('a receipt is valid: $name', async ({ receipt }) => {
  expect(failed(await verifyReceipt(receipt, { keys: receipts.keys }))).toEqual([]);
});

test.each(receipts.invalid)('a receipt is not valid: $name', async ({ receipt, failed: expected }) => {
  const verification = await verifyReceipt(receipt, { keys: receipts.keys });
  expect({ valid: verification.valid, failed: failed(verification) }).toEqual({
    valid: false,
    failed: expected,
  });
});

test.each(grants.valid)('a grant is signed as it was: $name', async ({ grant, signed, entry }) => {
  const { signature, ...unsigned } = grant as Grant;
  const again = await signGrant(unsigned, signerFromSeed(hex.decode(grants.seed)));
  expect(text(grantBytes(unsigned))).toBe(signed);
  expect(again.signature).toEqual(signature);
  expect(canonicalJson(again)).toBe(entry);
});

test.each(grants.valid)('a grant that was signed has the signature of node:crypto: $name', vector => {
  const key = createPrivateKey({ key: pkcs8(grants.seed), format: 'der', type: 'pkcs8' });
  const sig = sign(null, Buffer.from(vector.signed), key).toString('base64url');
  expect(sig).toBe(vector.grant.signature.sig);
});

test.each(grants.valid)('a grant is valid: $name', async ({ grant }) => {
  expect(failed(await verifyGrant(grant, { keys: grants.keys }))).toEqual([]);
});

test.each(grants.invalid)('a grant is not valid: $name', async ({ grant, failed: expected }) => {
  const verification = await verifyGrant(grant, { keys: grants.keys });
  expect({ valid: verification.valid, failed: failed(verification) }).toEqual({
    valid: false,
    failed: expected,
  });
});

/** Wraps a seed as an Ed25519 private key in PKCS #8, whose first bytes are fixed (RFC 8410). */
function pkcs8(seed: string): Buffer {
  return Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex');
}
