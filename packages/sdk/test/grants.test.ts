import { addressFromLabel, grantEntry, verifyGrant } from '@aitbc/receipts';
import { leafHash, parseVkey, verifyTlogProof } from '@aitbc/tlog';
import { expect, test } from 'vitest';
import { withCoordinator } from './coordinator.ts';
import { answer, brokenNetwork, reset } from './network.ts';

const coordinator = withCoordinator();
const TO = addressFromLabel('the web shop');

test('an administrator grants credits, which anyone can verify', async () => {
  const admin = await coordinator.clientWith('admin');
  const { client } = coordinator;
  const grant = await admin.grants.create({ to: TO, amount: 12.5, reason: 'Welcome' });
  expect(await admin.accounts.get(TO)).toMatchObject({ address: TO, balance: 12.5 });
  expect(await Array.fromAsync(client.grants.list())).toEqual([grant]);
  const proof = await client.grants.waitForProof(grant.grant_id);
  await verifyTlogProof(proof, leafHash(grantEntry(grant)), { log: parseVkey(await client.ledger.vkey()) });
  const published = await client.grants.get(grant.grant_id);
  expect(published.inclusion?.logIndex).toBe('0');
  expect(await verifyGrant(published, { keys: await client.signingKeys.list() })).toMatchObject({
    valid: true,
  });
});

test('a grant whose answer was lost is repeated with the same idempotency key and body', async () => {
  const { client, seen } = await brokenNetwork([reset, answer(201, {})]);
  await client.grants.create({ to: TO, amount: 1 });
  const [first, second] = seen;
  expect(first?.headers['idempotency-key']).toMatch(/^[0-9a-f]{32}$/);
  expect(second?.headers['idempotency-key']).toBe(first?.headers['idempotency-key']);
  expect([second?.body, second?.url]).toEqual([JSON.stringify({ to: TO, amount: 1 }), '/v1/grants']);
});
