import type { Account, Grant, Problem, PublicKeys, PublishedGrant } from '@aitbc/protocol';
import { addressFromLabel, grantEntry, verifyGrant } from '@aitbc/receipts';
import { leafHash, parseTlogProof, parseVkey, verifyTlogProof } from '@aitbc/tlog';
import { beforeAll, expect, test } from 'vitest';
import { allPages, refusal } from './harness/answers.ts';
import { withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';
import { makeGrant } from './harness/scenes.ts';
import { violations } from './invariants/violations.ts';

describeEachEngine('a grant', engine => {
  const coordinator = withCoordinator(engine);
  let admin: string;
  let newcomers = 0;
  beforeAll(async () => {
    admin = await coordinator.key('admin');
  });

  /** The address of somebody who has not taken part. */
  const newcomer = () => addressFromLabel(`newcomer-${++newcomers}`);
  const post = (body: object, headers: Record<string, string> = {}) =>
    coordinator.call<Grant & Problem>('POST', '/v1/grants', body, { key: admin, headers });
  const balanceOf = async (address: string) =>
    (await coordinator.call<Account>('GET', `/v1/accounts/${address}`, undefined, { key: admin })).body
      .balance;
  const keys = async () => (await coordinator.call<PublicKeys>('GET', '/v1/keys')).body.keys;

  test('gives its credits to an address that nobody knew, signed by the coordinator', async () => {
    const to = newcomer();
    const { status, headers, body } = await post({ to, amount: 12.5, reason: 'Welcome' });
    expect([status, headers.get('location')]).toEqual([201, `grants/${body.grant_id}`]);
    expect(body).toMatchObject({ type: 'grant', to, amount: 12.5, metadata: { reason: 'Welcome' } });
    expect(await verifyGrant(body, { keys: await keys() })).toMatchObject({ valid: true });
    expect(await balanceOf(to)).toBe(12.5);
  });

  test('is what the account of a key has from then on', async () => {
    const key = await coordinator.key('client');
    const read = async () => (await coordinator.call<Account>('GET', '/v1/account', undefined, { key })).body;
    const { address } = await read();
    for (const amount of [1, 0.000001]) await post({ to: address, amount });
    expect(await read()).toMatchObject({ balance: 1.000001, available: 1.000001 });
  });

  test('repeated with its idempotency key is granted once', async () => {
    const [to, headers] = [newcomer(), { 'idempotency-key': 'once' }];
    const answers = await Promise.all(Array.from({ length: 3 }, () => post({ to, amount: 2 }, headers)));
    answers.push(await post({ to, amount: 2 }, headers));
    expect(new Set(answers.map(({ body }) => body.grant_id)).size).toBe(1);
    expect(answers.map(answer => answer.headers.get('idempotent-replayed')).sort()).toEqual(
      [null, 'true', 'true', 'true'].sort(),
    );
    expect(await balanceOf(to)).toBe(2);
    const other = await post({ to, amount: 3 }, headers);
    expect(refusal(other)).toEqual([409, 'IDEMPOTENCY_KEY_REUSED']);
  });

  test('of an idempotency key that made jobs is refused', async () => {
    const headers = { 'idempotency-key': 'jobs' };
    const job = { prompt: 'Hello', model: 'llama3.2' };
    await coordinator.call('POST', '/v1/jobs', job, { key: admin, headers });
    expect(refusal(await post({ to: newcomer(), amount: 2 }, headers))).toEqual([
      409,
      'IDEMPOTENCY_KEY_REUSED',
    ]);
  });

  test.each([
    ['nothing', { amount: 0 }, 'OUT_OF_RANGE', 'amount'],
    ['less than nothing', { amount: -1 }, 'OUT_OF_RANGE', 'amount'],
    ['more than the limit', { amount: 1e9 + 1 }, 'OUT_OF_RANGE', 'amount'],
    ['more than 6 decimals', { amount: 0.0000015 }, 'OUT_OF_RANGE', 'amount'],
    ['words', { amount: '12' }, 'INVALID_TYPE', 'amount'],
    ['no amount', { amount: undefined }, 'MISSING_FIELD', 'amount'],
    ['a name', { to: 'alice' }, 'INVALID_FORMAT', 'to'],
    ['a reason that is not ASCII', { reason: 'Für dich' }, 'INVALID_FORMAT', 'reason'],
    ['a reason that is too long', { reason: 'x'.repeat(257) }, 'OUT_OF_RANGE', 'reason'],
  ])('of %s is refused', async (_, wrong, code, field) => {
    const to = newcomer();
    const answer = await post({ to, amount: 1, ...wrong });
    expect(refusal(answer)).toEqual([400, `VALIDATION_${code}`, field]);
    expect(await balanceOf(to)).toBe(0);
  });

  test('to a mistyped address says what is wrong with it', async () => {
    const to = newcomer().replace(/.$/, last => (last === 'q' ? 'p' : 'q'));
    const { body } = await post({ to, amount: 1 });
    expect(body.detail).toContain('to is not an address: its checksum is wrong');
  });

  test('that would make a balance too large to be exact is refused', async () => {
    const to = newcomer();
    for (let count = 0; count < 4; count++) await post({ to, amount: 1e9 });
    expect(refusal(await post({ to, amount: 0.000001 }))).toEqual([400, 'VALIDATION_OUT_OF_RANGE', 'amount']);
    expect(await balanceOf(to)).toBe(4e9);
  });

  test('has its place in the ledger once that was published, and the proof of it', async () => {
    const { grant_id } = await makeGrant(coordinator, admin, { to: newcomer() });
    const path = `/v1/grants/${grant_id}`;
    const before = await coordinator.call<PublishedGrant>('GET', path);
    expect(before.body.inclusion).toBe(null);
    expect(refusal(await coordinator.call('GET', `${path}/proof`))).toEqual([404, 'TRANSACTION_NOT_FOUND']);
    await coordinator.publish();
    const { body } = await coordinator.call<PublishedGrant>('GET', path);
    expect(body.inclusion?.canonicalizedBody).toBe(Buffer.from(grantEntry(body)).toString('base64'));
    expect(await verifyGrant(body, { keys: await keys() })).toMatchObject({ valid: true });
    const proof = (await coordinator.call<string>('GET', `${path}/proof`)).body;
    const log = parseVkey((await coordinator.call<string>('GET', '/ledger/vkey')).body.trim());
    expect(parseTlogProof(proof).extra).toEqual(grantEntry(body));
    await verifyTlogProof(proof, leafHash(grantEntry(body)), { log });
  });

  test('is on the list, newest first, in pages', async () => {
    const made: string[] = [];
    for (let count = 0; count < 3; count++) made.unshift((await makeGrant(coordinator, admin)).grant_id);
    const pages = await allPages<Grant>(coordinator, '/v1/grants?limit=2');
    expect(
      pages
        .flat()
        .slice(0, 3)
        .map(grant => grant.grant_id),
    ).toEqual(made);
    expect(pages.every(page => page.length <= 2)).toBe(true);
  });

  test('that was never made is not found, and no receipt is one', async () => {
    for (const path of ['/v1/grants/grant-none', '/v1/grants/grant-none/proof'])
      expect(refusal(await coordinator.call('GET', path))).toEqual([404, 'TRANSACTION_NOT_FOUND']);
  });

  test('moves the balances as the ledger says', async () => {
    expect(await violations(coordinator.running.modules.store.read)).toEqual([]);
  });
});
