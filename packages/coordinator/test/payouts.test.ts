import type {
  Account,
  AddressDetail,
  AuditEntry,
  NewPayout,
  Problem,
  PublicKeys,
  PublishedPayout,
  TrackedPayout,
  Transaction,
} from '@aitbc/protocol';
import {
  addressFromLabel,
  addressFromPublicKey,
  generateSigner,
  payoutEntry,
  type Signer,
  signPayoutAnswer,
  verifyPayout,
  verifyPayoutUpdate,
} from '@aitbc/receipts';
import { leafHash, parseVkey, verifyTlogProof } from '@aitbc/tlog';
import { beforeAll, expect, test } from 'vitest';
import { allPages, refusal } from './harness/answers.ts';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';
import { answerTo, makeGrant, makePayout } from './harness/scenes.ts';
import { violations } from './invariants/violations.ts';

/** What each run costs: a second at one credit. */
const EARNED = 1;

describeEachEngine('a payout', engine => {
  const coordinator = withCoordinator(engine, { rate: 1, minRunSeconds: 0 });
  let admin: string;
  let client: string;
  let miners = 0;
  beforeAll(async () => {
    admin = await coordinator.key('admin');
    client = await coordinator.key('client');
  });

  /** Somebody whose miner has earned a credit for each of `jobs`. */
  async function provider({ jobs = 1, signer }: { jobs?: number; signer?: Signer } = {}) {
    const key = await coordinator.key('miner', 'client');
    const owner = actions(coordinator, key);
    const name = `payee-${++miners}`;
    await owner.register(name, { capabilities: [name] });
    for (let count = 0; count < jobs; count++) {
      const { job_id } = await actions(coordinator, client).submit({ model: name });
      await owner.claim(job_id, name);
      coordinator.moveClock({ seconds: EARNED });
      await owner.complete(job_id, name);
    }
    if (signer) await owner.register(name, { capabilities: [name], public_key: signer.keyId });
    const account = async () =>
      (await coordinator.call<Account>('GET', '/v1/account', undefined, { key })).body;
    return { key, model: name, account, address: (await account()).address };
  }

  const create = (body: object, headers: Record<string, string> = {}) =>
    coordinator.call<TrackedPayout & Pick<Problem, 'detail'>>(
      'POST',
      '/v1/payouts',
      { amount: EARNED, method: 'SEPA transfer', ...body },
      { key: admin, headers },
    );
  const post = (id: string, what: 'confirm' | 'dispute' | 'withdraw', body: object, key?: string) =>
    coordinator.call<TrackedPayout & Pick<Problem, 'detail'>>(
      'POST',
      `/v1/payouts/${id}/${what}`,
      body,
      key === undefined ? {} : { key },
    );
  const keys = async () => (await coordinator.call<PublicKeys>('GET', '/v1/keys')).body.keys;

  test('is signed by the coordinator, and lowers what is owed', async () => {
    const { address, account } = await provider({ jobs: 3 });
    const { status, headers, body } = await create({ to: address, amount: 1.5, reference: '2026-01/17' });
    const { payout } = body;
    expect([status, headers.get('location')]).toEqual([201, `payouts/${payout.payout_id}`]);
    expect(body).toMatchObject({ status: 'unanswered', updates: [] });
    expect(payout).toMatchObject({ type: 'payout', to: address, amount: 1.5, method: 'SEPA transfer' });
    expect(payout.metadata).toEqual({ reference: '2026-01/17' });
    expect(await verifyPayout(payout, { keys: await keys() })).toMatchObject({ valid: true });
    const { balance, earnings } = await account();
    expect(balance).toBe(1.5);
    expect(earnings).toEqual({
      ...{ earned: 3, paid: 1.5, confirmed: 0, disputed: 0 },
      ...{ open: 1.5, payable: 1.5 },
    });
  });

  test('repeated with its idempotency key is recorded once', async () => {
    const { address, account } = await provider({ jobs: 2 });
    const headers = { 'idempotency-key': address };
    const answers = await Promise.all([1, 2, 3].map(() => create({ to: address }, headers)));
    expect(new Set(answers.map(({ body }) => body.payout.payout_id)).size).toBe(1);
    expect(answers.filter(answer => answer.headers.get('idempotent-replayed') === 'true')).toHaveLength(2);
    expect((await account()).earnings.paid).toBe(1);
    expect(refusal(await create({ to: address, amount: 2 }, headers))).toEqual([
      409,
      'IDEMPOTENCY_KEY_REUSED',
    ]);
  });

  test('never exceeds what was earned and not paid, even when several come at once', async () => {
    const { address, account } = await provider({ jobs: 2 });
    const answers = await Promise.all(Array.from({ length: 5 }, () => create({ to: address })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 409, 409, 409]);
    const refused = answers.find(({ status }) => status === 409);
    expect(refused && refusal(refused)).toEqual([409, 'PAYOUT_TOO_LARGE', 'amount']);
    expect((await account()).balance).toBe(0);
  });

  test('is not for credits that were granted, nor for earned ones that were spent', async () => {
    const { address, account, key, model } = await provider();
    await makeGrant(coordinator, admin, { to: address, amount: 5 });
    expect((await account()).earnings).toMatchObject({ open: 1, payable: 1 });
    expect(refusal(await create({ to: address, amount: 1.000001 }))).toEqual([
      409,
      'PAYOUT_TOO_LARGE',
      'amount',
    ]);

    const other = await provider();
    const own = actions(coordinator, other.key);
    const { job_id } = await own.submit({ model });
    const runner = actions(coordinator, key);
    await runner.claim(job_id, model);
    coordinator.moveClock({ seconds: 1 });
    await runner.complete(job_id, model);
    expect((await other.account()).earnings).toMatchObject({ open: 1, payable: 0 });
    const answer = await create({ to: other.address });
    expect(answer.body.detail).toContain('can be paid out 0 credits');
  });

  test.each([
    ['nothing', { amount: 0 }, 'OUT_OF_RANGE', 'amount'],
    ['more than 6 decimals', { amount: 0.0000015 }, 'OUT_OF_RANGE', 'amount'],
    ['words', { amount: '1' }, 'INVALID_TYPE', 'amount'],
    ['a name', { to: 'alice' }, 'INVALID_FORMAT', 'to'],
    ['no method', { method: undefined }, 'MISSING_FIELD', 'method'],
    ['a method that is too long', { method: 'x'.repeat(65) }, 'OUT_OF_RANGE', 'method'],
    ['a reference that is not ASCII', { reference: 'Überweisung' }, 'INVALID_FORMAT', 'reference'],
    ['a field that nobody knows', { currency: 'EUR' }, 'UNKNOWN_FIELD', 'currency'],
  ])('of %s is refused', async (_, wrong, code, field) => {
    const to = addressFromLabel('nobody');
    expect(refusal(await create({ to, ...wrong }))).toEqual([400, `VALIDATION_${code}`, field]);
  });

  test('to an address that never took part is refused', async () => {
    const answer = await create({ to: addressFromLabel('stranger') });
    expect(refusal(answer)).toEqual([404, 'ACCOUNT_NOT_FOUND', 'to']);
  });

  test('is confirmed by the account that was paid, once', async () => {
    const { address, account, key } = await provider();
    const { payout_id, ...made } = await makePayout(coordinator, admin, { to: address, amount: 1 });
    const first = await post(payout_id, 'confirm', {}, key);
    expect(first.body).toMatchObject({ status: 'confirmed', payout: { payout_id, ...made } });
    const [update] = first.body.updates;
    expect(update).toMatchObject({ type: 'payout_update', payout_id, to: address, amount: 1 });
    expect(update?.metadata).toEqual({});
    expect(await verifyPayoutUpdate(update, { keys: await keys() })).toMatchObject({ valid: true });
    expect((await post(payout_id, 'confirm', {}, key)).body).toEqual(first.body);
    expect((await account()).earnings).toMatchObject({ paid: 1, confirmed: 1, disputed: 0, open: 0 });
    for (const [what, by] of [
      ['dispute', key],
      ['withdraw', admin],
    ] as const)
      expect(refusal(await post(payout_id, what, { reason: 'No' }, by))).toEqual([
        409,
        'PAYOUT_INVALID_STATUS',
      ]);
  });

  test('is answered without an API key by the key that was paid, and by that of the owner’s miner', async () => {
    const signer = await generateSigner();
    const { address } = await provider({ signer });
    const payout = await makePayout(coordinator, admin, { to: address, amount: 0.5 });
    const signature = await signPayoutAnswer(answerTo(payout, 'disputed'), signer);
    const { body } = await post(payout.payout_id, 'dispute', { reason: 'Nothing has arrived', signature });
    expect(body.status).toBe('disputed');
    expect(body.updates[0]?.metadata).toEqual({ reason: 'Nothing has arrived', signatures: [signature] });
    const checked = await verifyPayoutUpdate(body.updates[0], { keys: await keys() });
    expect(checked.valid).toBe(true);
    expect(checked.checks.at(-1)?.detail).toContain(`signed by ${signer.keyId}`);
  });

  test('is not answered by another key, nor by a signature of something else', async () => {
    const [signer, stranger] = [await generateSigner(), await generateSigner()];
    const { address } = await provider({ signer });
    const other = await provider({ signer: stranger });
    const payout = await makePayout(coordinator, admin, { to: address });
    const confirm = (signature: object) => post(payout.payout_id, 'confirm', { signature }, other.key);
    for (const signature of [
      await signPayoutAnswer(answerTo(payout, 'confirmed'), stranger),
      await signPayoutAnswer(answerTo(payout, 'disputed'), signer),
      await signPayoutAnswer({ ...answerTo(payout, 'confirmed'), amount: 2 }, signer),
    ])
      expect(refusal(await confirm(signature))).toEqual([403, 'PAYOUT_INVALID_SIGNATURE', 'signature']);
    expect(refusal(await post(payout.payout_id, 'confirm', {}))).toEqual([401, 'AUTH_MISSING_KEY']);
    expect(refusal(await post('payout-none', 'confirm', {}, other.key))).toEqual([404, 'PAYOUT_NOT_FOUND']);
  });

  test('that is disputed may be confirmed later, and one that is withdrawn is owed again', async () => {
    const { address, account, key } = await provider({ jobs: 2 });
    const [found, mistaken] = [
      await makePayout(coordinator, admin, { to: address, amount: 1 }),
      await makePayout(coordinator, admin, { to: address, amount: 1 }),
    ];
    for (const { payout_id } of [found, mistaken])
      await post(payout_id, 'dispute', { reason: 'Nothing has arrived' }, key);
    expect((await account()).earnings).toMatchObject({ paid: 2, disputed: 2, open: 0 });
    const again = await post(found.payout_id, 'dispute', { reason: 'Really nothing' }, key);
    expect(refusal(again)).toEqual([409, 'PAYOUT_INVALID_STATUS']);

    const confirmed = await post(found.payout_id, 'confirm', undefined as never, key);
    expect(confirmed.body.updates.map(({ status }) => status)).toEqual(['disputed', 'confirmed']);
    const withdrawn = await post(mistaken.payout_id, 'withdraw', { reason: 'It bounced' }, admin);
    expect(withdrawn.body).toMatchObject({ status: 'withdrawn' });
    expect(refusal(await post(mistaken.payout_id, 'confirm', {}, key))).toEqual([
      409,
      'PAYOUT_INVALID_STATUS',
    ]);
    const { balance, earnings } = await account();
    expect(balance).toBe(1);
    expect(earnings).toEqual({
      ...{ earned: 2, paid: 1, confirmed: 1, disputed: 0 },
      ...{ open: 1, payable: 1 },
    });
    expect((await create({ to: address })).status).toBe(201);
  });

  test('is listed by account and status, newest first, in pages', async () => {
    const { address, key } = await provider({ jobs: 4 });
    const made: string[] = [];
    for (let count = 0; count < 4; count++)
      made.unshift((await makePayout(coordinator, admin, { to: address, amount: 1 })).payout_id);
    await post(made[1] ?? '', 'confirm', {}, key);
    const list = async (query: string) =>
      (await allPages<TrackedPayout>(coordinator, `/v1/payouts?limit=2&${query}`))
        .flat()
        .map(({ payout }) => payout.payout_id);
    expect(await list(`account=${address}`)).toEqual(made);
    expect(await list(`account=${address}&status=confirmed`)).toEqual([made[1]]);
    expect((await list('status=unanswered')).slice(0, 3)).toEqual([made[0], made[2], made[3]]);
    expect(await list(`account=${addressFromLabel('stranger')}`)).toEqual([]);
  });

  test('and what was said about it have their places in the ledger, and proofs of them', async () => {
    const { address, key } = await provider();
    const { payout_id } = await makePayout(coordinator, admin, { to: address, amount: 1 });
    const [update] = (await post(payout_id, 'confirm', {}, key)).body.updates;
    const path = `/v1/payouts/${payout_id}`;
    expect((await coordinator.call<PublishedPayout>('GET', path)).body.inclusion).toBe(null);
    expect(refusal(await coordinator.call('GET', `${path}/proof`))).toEqual([404, 'PAYOUT_NOT_FOUND']);
    await coordinator.publish();
    const { body } = await coordinator.call<PublishedPayout>('GET', path);
    const log = parseVkey((await coordinator.call<string>('GET', '/ledger/vkey')).body.trim());
    for (const [id, statement] of [
      [payout_id, body.payout],
      [update?.update_id, body.updates[0]],
    ] as const) {
      if (!statement) throw new Error('The update is missing');
      const proof = (await coordinator.call<string>('GET', `/v1/payouts/${id}/proof`)).body;
      await verifyTlogProof(proof, leafHash(payoutEntry(statement)), { log });
    }
    const { body: found } = await coordinator.call<Transaction[]>(
      'GET',
      `/explorer/transactions?address=${address}`,
    );
    expect(found.map(({ type, from, to, amount }) => [type, from, to, amount])).toEqual([
      ['payout_update', null, address, 0],
      ['payout', address, null, 1],
      ['receipt', expect.any(String), address, 1],
    ]);
    const explored = await coordinator.call<AddressDetail>('GET', `/explorer/addresses/${address}`);
    expect(explored.body).toMatchObject({ balance: 0, transactions: 3, receipts: 1, jobs: 0 });
    expect(explored.body).toMatchObject({ earned: 1, paid: 1, confirmed: 1, disputed: 0 });
    const search = await coordinator.call<{ results: object[] }>('GET', `/explorer/search?q=${payout_id}`);
    expect(search.body.results).toContainEqual({ kind: 'payout', id: payout_id, path });
  });

  test('is in the audit log, and so is what was said about it', async () => {
    const { address, key } = await provider();
    const { payout_id } = await makePayout(coordinator, admin, { to: address, amount: 1 });
    await post(payout_id, 'dispute', { reason: 'Nothing has arrived' }, key);
    await post(payout_id, 'withdraw', { reason: 'Mistyped' }, admin);
    const { body } = await coordinator.call<AuditEntry[]>(
      'GET',
      `/v1/audit-log?target=${payout_id}`,
      undefined,
      { key: admin },
    );
    expect(body.map(({ action, details }) => [action, details])).toEqual([
      ['payout.withdraw', { reason: 'Mistyped' }],
      ['payout.dispute', { reason: 'Nothing has arrived' }],
      ['payout.create', { to: address, amount: 1, method: 'cash' }],
    ]);
    expect(body[1]?.account).toBe(address);
  });

  test('moves the balances as the ledger says', async () => {
    expect(await violations(coordinator.running.modules.store.read)).toEqual([]);
  });
});

describeEachEngine('without API keys', engine => {
  const coordinator = withCoordinator(engine, { mode: 'open', rate: 1, minRunSeconds: 0 });

  test('nobody answers for an address by registering a miner that is paid there', async () => {
    const [victim, thief] = [await generateSigner(), await generateSigner()];
    const anyone = actions(coordinator);
    await anyone.register('victim', { address: addressFromPublicKey(victim.keyId) });
    const { job_id } = await anyone.submit();
    await anyone.claim(job_id, 'victim');
    coordinator.moveClock({ seconds: 1 });
    const { provider } = await anyone.complete(job_id, 'victim');
    await anyone.register('thief', { public_key: thief.keyId, address: provider });
    const admin = await coordinator.key('admin');
    const payout = await makePayout(coordinator, admin, { to: provider } satisfies Partial<NewPayout>);
    const answer = async (signer: Signer) =>
      coordinator.call<TrackedPayout>('POST', `/v1/payouts/${payout.payout_id}/confirm`, {
        signature: await signPayoutAnswer(answerTo(payout, 'confirmed'), signer),
      });
    expect(refusal(await answer(thief))).toEqual([403, 'PAYOUT_INVALID_SIGNATURE', 'signature']);
    expect((await answer(victim)).body.status).toBe('confirmed');
  });
});
