import { createPrivateKey, sign } from 'node:crypto';
import type { Payout, PayoutUpdate } from '@aitbc/protocol';
import { hex } from '@scure/base';
import { expect, test } from 'vitest';
import {
  addressFromPublicKey,
  canonicalJson,
  isPayout,
  isPayoutUpdate,
  type PayoutAnswer,
  payoutAnswerBytes,
  type Statement,
  signerFromSeed,
  signPayout,
  signPayoutAnswer,
  signPayoutUpdate,
  transferOf,
  verifyEntry,
  verifyPayout,
  verifyPayoutAnswer,
  verifyPayoutUpdate,
} from '../src/index.ts';
import { failed } from './issued.ts';
import vectors from './vectors/payouts.json' with { type: 'json' };

const { keys } = vectors;
const COORDINATOR = signerFromSeed(hex.decode(vectors.seed));
const PROVIDER = signerFromSeed(hex.decode(vectors.provider));
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

const verify = (statement: { type: string }) =>
  statement.type === 'payout' ? verifyPayout(statement, { keys }) : verifyPayoutUpdate(statement, { keys });

/** Signs with node:crypto, which shares nothing with this package. */
function signAlone(seed: string, signed: string): string {
  const der = Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex');
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return sign(null, Buffer.from(signed), key).toString('base64url');
}

test.each(vectors.valid)('$name is signed as it was, and valid', async ({ statement, signed, entry }) => {
  const { signature, ...unsigned } = statement as unknown as Payout | PayoutUpdate;
  const again = isPayout(statement as unknown as Statement)
    ? await signPayout(unsigned as Payout, COORDINATOR)
    : await signPayoutUpdate(unsigned as PayoutUpdate, COORDINATOR);
  expect(again.signature).toEqual(signature);
  expect(signAlone(vectors.seed, signed)).toBe(signature.sig);
  expect(canonicalJson(again)).toBe(entry);
  expect(failed(await verify(statement))).toEqual([]);
  expect(await verifyEntry(entry, { keys })).toMatchObject({ valid: true, kind: statement.type, statement });
});

test.each(vectors.invalid)('$name is not valid', async ({ statement, failed: expected }) => {
  const verification = await verify(statement);
  expect({ valid: verification.valid, failed: failed(verification) }).toEqual({
    valid: false,
    failed: expected,
  });
});

test.each(vectors.answers)('a provider signs what it answers: $answer.status', async vector => {
  const answer = vector.answer as PayoutAnswer;
  expect(text(payoutAnswerBytes(answer))).toBe(vector.signed);
  const signature = await signPayoutAnswer(answer, PROVIDER);
  expect(signature).toEqual(vector.signature);
  expect(signAlone(vectors.provider, vector.signed)).toBe(signature.sig);
  expect(await verifyPayoutAnswer(answer, signature)).toBe(true);
  expect(await verifyPayoutAnswer({ ...answer, amount: 13 }, signature)).toBe(false);
  expect(addressFromPublicKey(signature.key_id)).toBe(answer.to);
});

test('a payout takes credits from its provider, and only a withdrawn one gives them back', () => {
  const moved = vectors.valid.map(({ statement }) => {
    const known = statement as unknown as Statement;
    if (!isPayout(known) && !isPayoutUpdate(known)) throw new Error('It is another statement');
    return transferOf(known as Statement);
  });
  const { to } = vectors.valid[0]?.statement ?? {};
  expect(moved).toEqual([
    { from: to, to: null, amount: 12_500_000 },
    { from: to, to: null, amount: 12_500_000 },
    { from: to, to: null, amount: 1 },
    ...[null, null, null, null],
    { from: null, to, amount: 12_500_000 },
  ]);
});

test('whatever is no payout is not valid, and nothing is thrown', async () => {
  for (const nothing of [null, undefined, 17, 'payout', [], {}, { type: 'payout' }, { metadata: null }])
    for (const check of [verifyPayout, verifyPayoutUpdate])
      expect((await check(nothing, { keys })).valid).toBe(false);
});
