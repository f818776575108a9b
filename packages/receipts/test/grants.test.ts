import { Grant } from '@aitbc/protocol';
import { Check } from 'typebox/value';
import { expect, test } from 'vitest';
import {
  canonicalBytes,
  GRANT_CHECKS,
  grantEntry,
  isGrant,
  signGrant,
  transferOf,
  verifyGrant,
  verifyReceipt,
} from '../src/index.ts';
import { COORDINATOR, failed, GRANT, issue, UNSIGNED } from './issued.ts';

const keys = [COORDINATOR.keyId];

test('a grant is valid by the key of its coordinator', async () => {
  const grant = await signGrant(GRANT, COORDINATOR);
  expect(await verifyGrant(grant, { keys })).toMatchObject({ valid: true });
});

test('every check is reported, in its order', async () => {
  const { checks } = await verifyGrant(await signGrant(GRANT, COORDINATOR), { keys });
  expect(checks.map(({ name }) => name)).toEqual(GRANT_CHECKS);
});

test('a grant that was made after its key was retired is not valid', async () => {
  const grant = await signGrant(GRANT, COORDINATOR);
  const retired = { key_id: COORDINATOR.keyId, retired_at: '2026-01-24T14:59:59.000Z' };
  const verification = await verifyGrant(grant, { keys: [retired] });
  expect(failed(verification)).toEqual(['key']);
  expect(verification.checks.find(({ name }) => name === 'key')?.detail).toContain(
    'before the grant was made',
  );
});

test.each([undefined, null, 7, 'grant', [], {}, { type: 'grant' }])(
  '%j is no grant, and no error',
  async value => {
    const verification = await verifyGrant(value, { keys });
    expect(verification.valid).toBe(false);
    expect(failed(verification)).toContain('shape');
  },
);

test.each(Object.keys(GRANT))('a grant without %s has neither the shape nor the schema', async name => {
  const { [name]: _, ...rest } = (await signGrant(GRANT, COORDINATOR)) as Record<string, unknown>;
  expect({ schema: Check(Grant, rest), failed: failed(await verifyGrant(rest, { keys })) }).toEqual({
    schema: false,
    failed: expect.arrayContaining([name === 'version' ? 'version' : 'shape']),
  });
});

test('nothing is both a receipt and a grant', async () => {
  const both = { ...UNSIGNED, ...GRANT };
  const signed = await signGrant(both, COORDINATOR);
  expect(await verifyGrant(signed, { keys })).toMatchObject({ valid: true });
  expect(failed(await verifyReceipt(signed, { keys }))).toContain('shape');
});

test('the entry of a grant is the grant with its signature', async () => {
  const grant = await signGrant(GRANT, COORDINATOR);
  expect(grantEntry(grant)).toEqual(canonicalBytes(grant));
});

test('a grant moves its amount from nobody, a receipt its price from the client to the provider', async () => {
  const grant = await signGrant(GRANT, COORDINATOR);
  const receipt = await issue();
  expect([isGrant(grant), isGrant(receipt)]).toEqual([true, false]);
  expect(transferOf(grant)).toEqual({ from: null, to: GRANT.to, amount: 12_500_000 });
  expect(transferOf(receipt)).toEqual({ from: receipt.client, to: receipt.provider, amount: 123_450 });
});
