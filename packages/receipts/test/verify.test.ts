import { Receipt } from '@aitbc/protocol';
import { Check } from 'typebox/value';
import { expect, test } from 'vitest';
import {
  canonicalBytes,
  RECEIPT_CHECKS,
  receiptEntry,
  signReceipt,
  type TrustedKey,
  verifyReceipt,
} from '../src/index.ts';
import { withCoordinator } from './coordinator.ts';
import { COORDINATOR, failed, issue, MINER, STRANGER, UNSIGNED } from './issued.ts';

const coordinator = withCoordinator();
const keys = [COORDINATOR.keyId];

/** An inclusion as a coordinator shows it. These tests do not check its proof. */
const INCLUSION = {
  logIndex: '12',
  logId: { keyId: '9JLArQ==' },
  integratedTime: '1769266813',
  inclusionProof: {
    logIndex: '12',
    rootHash: 'mWFc1dP/lKszQ/HLpCL8f6uGED5vWX/X8MBQs0PtRRU=',
    treeSize: '13',
    hashes: [],
    checkpoint: { envelope: 'coordinator.example/ledger\n13\n…\n\n— coordinator.example/ledger …\n' },
  },
  canonicalizedBody: 'e30=',
};

test('a receipt of a coordinator is valid by the keys that it publishes', async () => {
  const { receipt } = await coordinator.runJob('Hello!', 'Good day!');
  expect(failed(await verifyReceipt(receipt, await coordinator.keys()))).toEqual([]);
});

test('a receipt of a coordinator shows who signed the result', async () => {
  const { receipt } = await coordinator.runJob('Hello!', 'Good day!', MINER);
  const { checks } = await verifyReceipt(receipt, await coordinator.keys());
  expect(checks.find(({ name }) => name === 'attestation')).toEqual({
    name: 'attestation',
    ok: true,
    detail: `signed by ${MINER.keyId}, the provider`,
  });
});

test('a receipt of a coordinator is not valid by the keys of another', async () => {
  const { receipt } = await coordinator.runJob('Hello!', 'Good day!');
  expect(failed(await verifyReceipt(receipt, { keys }))).toEqual(['key']);
});

test.each([
  ['after the job was completed is trusted with it', '2026-01-24T15:00:12.500Z', []],
  ['before the job was completed is not', '2026-01-24T15:00:11.999Z', ['key']],
  ['at no time that can be read is not', 'yesterday', ['key']],
  ['never is trusted', null, []],
])('a key that was retired %s', async (_, retired_at, expected) => {
  const trusted = { keys: [{ key_id: COORDINATOR.keyId, retired_at }] };
  expect(failed(await verifyReceipt(await issue(), trusted))).toEqual(expected);
});

test.each([
  ['is not in the ledger yet', null],
  ['stands in the ledger', INCLUSION],
  ['comes with something strange', ['—']],
])('a published receipt is valid when it %s', async (_, inclusion) => {
  const published = { ...(await issue()), inclusion };
  expect(await verifyReceipt(published, { keys })).toEqual(await verifyReceipt(await issue(), { keys }));
});

test('the entry of a published receipt is the receipt that was signed', async () => {
  const published = { ...(await issue()), inclusion: INCLUSION };
  expect(receiptEntry(published)).toEqual(canonicalBytes(await issue()));
});

test('every check is reported, in its order', async () => {
  const { checks } = await verifyReceipt(await issue(), { keys });
  expect(checks.map(({ name }) => name)).toEqual(RECEIPT_CHECKS);
});

test('a receipt is valid by any one of the keys', async () => {
  expect(await verifyReceipt(await issue(), { keys: [STRANGER.keyId, ...keys] })).toMatchObject({
    valid: true,
  });
});

test.each<[string, TrustedKey[]]>([
  ['no keys', []],
  ['a key for another use', [{ key_id: COORDINATOR.keyId, use: 'checkpoints' }]],
  ['a key for another algorithm', [{ key_id: COORDINATOR.keyId, alg: 'ML-DSA-44' }]],
  ['a key with padding', [`${COORDINATOR.keyId}=`]],
])('by %s no receipt is valid', async (_, keys) => {
  expect(failed(await verifyReceipt(await issue(), { keys }))).toEqual(['key']);
});

const cycle: Record<string, unknown> = {};
cycle.cycle = cycle;
const deep: unknown = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000));
const trap = {
  get receipt_id() {
    throw new Error('trapped');
  },
};

test.each([
  ['nothing', undefined],
  ['a number', 1],
  ['an empty object', {}],
  ['a cycle', cycle],
  ['something very deep', deep],
  ['a getter that throws', trap],
  ['a revoked proxy', revoked()],
  ['a promise', Promise.resolve(1)],
  ['a signature of nulls', { ...UNSIGNED, signature: { alg: null, key_id: null, sig: null } }],
  ['metadata that is a list', { ...UNSIGNED, metadata: [], signature: [] }],
])('%s is not valid, and no error', async (_, value) => {
  const verification = await verifyReceipt(value, { keys });
  expect(verification.valid).toBe(false);
  expect(failed(verification)).toContain('shape');
});

function revoked() {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

test('a receipt that shows each reader another price is judged by one reading', async () => {
  const genuine = await issue();
  let reads = 0;
  const shifty = Object.defineProperty({ ...genuine }, 'price', {
    enumerable: true,
    get: () => (reads++ === 0 ? genuine.price : genuine.price / 2),
  });
  expect((await verifyReceipt(shifty, { keys })).valid).toBe(false);
});

test('a clock that was set back during a job leaves the receipt valid', async () => {
  const receipt = await issue({ units: 0, price: 0, duration_ms: 0, completed_at: UNSIGNED.started_at - 5 });
  expect(failed(await verifyReceipt(receipt, { keys }))).toEqual([]);
});

test('units of another kind are not compared with the duration', async () => {
  const receipt = await issue({ unit_type: 'image', units: 7 });
  expect(failed(await verifyReceipt(receipt, { keys }))).toEqual([]);
});

test('what is wrong with a shape is said field by field', async () => {
  const { nonce, ...rest } = await issue({ price: -1 });
  const { checks } = await verifyReceipt(rest, { keys });
  expect(checks[0]?.detail).toBe('price is not a number of at least 0; nonce is missing');
});

test('places with too many decimals are named', async () => {
  const receipt = await issue({ metadata: { usage: { seconds: 0.1234567 } } });
  const { checks } = await verifyReceipt(receipt, { keys });
  expect(checks.find(({ name }) => name === 'numbers')?.detail).toContain('metadata.usage.seconds');
});

test.each(Object.keys(UNSIGNED))('a receipt without %s has neither the shape nor the schema', async name => {
  const { [name]: _, ...rest } = (await issue()) as Record<string, unknown>;
  expect({ schema: Check(Receipt, rest), failed: failed(await verifyReceipt(rest, { keys })) }).toEqual({
    schema: false,
    failed: expect.arrayContaining([name === 'version' ? 'version' : 'shape']),
  });
});

test('a receipt that is signed again by a stranger is not valid', async () => {
  const { signature, ...unsigned } = await issue();
  const resigned = await signReceipt({ ...unsigned, price: 100 }, STRANGER);
  expect(failed(await verifyReceipt(resigned, { keys }))).toEqual(['key']);
});

test('a price follows from the units and the rate', async () => {
  const fair = await issue({ units: 2, duration_ms: 2000, price: 0.02, metadata: { rate: 0.01 }, ...SPAN });
  expect(failed(await verifyReceipt(fair, { keys }))).toEqual([]);
  const dear = await issue({ units: 2, duration_ms: 2000, price: 0.03, metadata: { rate: 0.01 }, ...SPAN });
  expect(failed(await verifyReceipt(dear, { keys }))).toEqual(['arithmetic']);
});

test('a price stops at what the client would pay at most', async () => {
  const metadata = { rate: 0.01, max_price: 0.015 };
  const capped = await issue({ units: 2, duration_ms: 2000, price: 0.015, metadata, ...SPAN });
  expect(failed(await verifyReceipt(capped, { keys }))).toEqual([]);
});

test('tokens are those that were counted, at a rate for a thousand', async () => {
  const usage = { prompt_tokens: 70, completion_tokens: 30 };
  const metadata = { rate_per_1000: 0.5, token_limit: 1_000, usage };
  const token = { unit_type: 'token', units: 100, price: 0.05, metadata };
  expect(failed(await verifyReceipt(await issue(token), { keys }))).toEqual([]);
  for (const false_ of [{ units: 101 }, { price: 0.06 }, { metadata: { ...metadata, rate_per_1000: 0.4 } }])
    expect(failed(await verifyReceipt(await issue({ ...token, ...false_ }), { keys }))).toEqual([
      'arithmetic',
    ]);
});

test('tokens that nobody counted are none, and those above the limit are not charged for', async () => {
  const uncounted = await issue({ unit_type: 'token', units: 0, price: 0, metadata: { rate_per_1000: 1 } });
  expect(failed(await verifyReceipt(uncounted, { keys }))).toEqual([]);
  const metadata = { rate_per_1000: 1, token_limit: 10, usage: { completion_tokens: 30 } };
  const limited = await issue({ unit_type: 'token', units: 10, price: 0.01, metadata });
  expect(failed(await verifyReceipt(limited, { keys }))).toEqual([]);
});

const SPAN = { completed_at: UNSIGNED.started_at + 2 };
