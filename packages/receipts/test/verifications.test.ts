import { createPrivateKey, hash, sign } from 'node:crypto';
import type { VerificationStatement } from '@aitbc/protocol';
import { hex } from '@scure/base';
import { expect, test } from 'vitest';
import {
  canonicalJson,
  isVerification,
  type Statement,
  scoresHash,
  signerFromSeed,
  signVerification,
  transferOf,
  verifyEntry,
  verifyVerification,
} from '../src/index.ts';
import { failed } from './issued.ts';
import vectors from './vectors/verifications.json' with { type: 'json' };

const { keys } = vectors;
const COORDINATOR = signerFromSeed(hex.decode(vectors.seed));

/** Signs with node:crypto, which shares nothing with this package. */
function signAlone(seed: string, signed: string): string {
  const der = Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex');
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return sign(null, Buffer.from(signed), key).toString('base64url');
}

test.each(vectors.valid)('$name is signed as it was, and valid', async ({ statement, signed, entry }) => {
  const { signature, ...unsigned } = statement as unknown as VerificationStatement;
  const again = await signVerification(unsigned, COORDINATOR);
  expect(again.signature).toEqual(signature);
  expect(signAlone(vectors.seed, signed)).toBe(signature.sig);
  expect(canonicalJson(again)).toBe(entry);
  expect(failed(await verifyVerification(statement, { keys }))).toEqual([]);
  const kind = 'verification';
  expect(await verifyEntry(entry, { keys })).toMatchObject({ valid: true, kind, statement });
  const known = statement as unknown as Statement;
  expect([isVerification(known), transferOf(known)]).toEqual([true, null]);
});

test.each(vectors.invalid)('$name is not valid', async ({ statement, failed: expected }) => {
  const verification = await verifyVerification(statement, { keys });
  expect([verification.valid, failed(verification)]).toEqual([false, expected]);
});

test('the numbers of all tokens are committed to with their salt', () => {
  const { salt, tokens, committed, hash: expected } = vectors.scores;
  expect(scoresHash(salt, tokens)).toBe(expected);
  expect(hash('sha256', salt + committed)).toBe(expected);
  expect(scoresHash(salt, tokens.slice(1))).not.toBe(expected);
});

test('whatever is no verification is not valid, and nothing is thrown', async () => {
  for (const nothing of [null, undefined, 17, 'verification', [], {}, { type: 'verification' }])
    expect((await verifyVerification(nothing, { keys })).valid).toBe(false);
});
