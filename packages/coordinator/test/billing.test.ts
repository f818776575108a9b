import type { Account, Job, Problem, Receipt } from '@aitbc/protocol';
import { verifyReceipt } from '@aitbc/receipts';
import { describe, expect, test } from 'vitest';
import { refusal } from './harness/answers.ts';
import { actions, type TestCoordinator, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';
import { makeGrant } from './harness/scenes.ts';
import { violations } from './invariants/violations.ts';

const endow = async (coordinator: TestCoordinator, to: string, amount: number) =>
  await makeGrant(coordinator, await coordinator.key('admin'), { to, amount });

/** A client with so many credits. */
async function clientWith(coordinator: TestCoordinator, credits: number) {
  const key = await coordinator.key('client', 'miner');
  const read = async () => (await coordinator.call<Account>('GET', '/v1/account', undefined, { key })).body;
  if (credits > 0) await endow(coordinator, (await read()).address, credits);
  return { key, account: read, ...actions(coordinator, key) };
}

describeEachEngine('an account', engine => {
  const coordinator = withCoordinator(engine);

  test('has nothing at first', async () => {
    const { account } = await clientWith(coordinator, 0);
    expect(await account()).toEqual({
      address: expect.stringMatching(/^ait1/),
      balance: 0,
      reserved: 0,
      available: 0,
      billing: 'postpaid',
      earnings: { earned: 0, paid: 0, confirmed: 0, disputed: 0, open: 0, payable: 0 },
    });
  });

  test('owes what its jobs cost, to who ran them', async () => {
    const client = await clientWith(coordinator, 0);
    const miner = await clientWith(coordinator, 0);
    const { job_id } = await client.submit({ model: 'owed' });
    await miner.register('earns', { capabilities: ['owed'] });
    await miner.claims('earns');
    coordinator.moveClock({ seconds: 30 });
    const { price } = await miner.complete(job_id, 'earns');
    expect(price).toBe(0.3);
    expect((await client.account()).balance).toBe(-0.3);
    expect((await miner.account()).balance).toBe(0.3);
  });
});

describeEachEngine('where one pays ahead', engine => {
  // 0.01 credits a second for 600 seconds: 6 credits a job. A minute, as is usual, costs 0.6.
  const coordinator = withCoordinator(engine, { billing: 'prepaid', tokenRates: { tokens: 2 } });
  const worst = 6;
  const usual = 0.6;
  const miner = actions(coordinator);

  const submitAs = (key: string, jobs: object[], idempotencyKey?: string) =>
    coordinator.call<{ jobs: Job[] } | Problem>(
      'POST',
      '/v1/jobs/batch',
      { jobs },
      { key, ...(idempotencyKey && { headers: { 'idempotency-key': idempotencyKey } }) },
    );
  const job = (model: string, more: object = {}) => ({ prompt: 'Hello', model, ...more });

  test('a job of a model that nothing is known of sets aside the most that it may cost', async () => {
    const { submit, account } = await clientWith(coordinator, 10);
    await submit({ model: 'reserves' });
    expect(await account()).toMatchObject({ balance: 10, reserved: worst, available: 4, billing: 'prepaid' });
  });

  test('a price limit sets aside less', async () => {
    const { submit, account } = await clientWith(coordinator, 10);
    await submit({ model: 'limited', constraints: { max_price: 0.5 } });
    expect(await account()).toMatchObject({ reserved: 0.5, available: 9.5 });
  });

  test('a model that is priced by tokens sets aside those that a job can be charged for, and never costs more', async () => {
    const { submit, account } = await clientWith(coordinator, 10);
    const { job_id } = await submit({ model: 'tokens', prompt: 'Hello', params: { max_tokens: 495 } });
    expect(await account()).toMatchObject({ reserved: 1.512, available: 8.488 });
    await miner.register('counts', { capabilities: ['tokens'] });
    await miner.claims('counts');
    const usage = { completion_tokens: 1e8 };
    const completion = { miner_id: 'counts', result: 'Hello'.repeat(1_000), usage };
    const { body } = await coordinator.call<Receipt>('POST', `/v1/jobs/${job_id}/complete`, completion);
    expect(body).toMatchObject({ units: 756, price: 1.512 });
    expect(await account()).toMatchObject({ balance: 8.488, reserved: 0 });
  });

  test('a job of a model that nothing is known of needs no more than what is usual of others', async () => {
    const { submit, account } = await clientWith(coordinator, worst - 0.1);
    await submit({ model: 'unknown' });
    expect(await account()).toMatchObject({ reserved: usual, available: 5.3 });
  });

  test('a job sets aside four times what the model usually takes, once that is known', async () => {
    const { submit, account } = await clientWith(coordinator, 20);
    const first = await submit({ model: 'known' });
    await miner.register('knows', { capabilities: ['known'] });
    await miner.claims('knows');
    coordinator.moveClock({ seconds: 50 });
    await miner.complete(first.job_id, 'knows');
    const { balance } = await account();
    await submit({ model: 'known' });
    expect(await account()).toMatchObject({ balance, reserved: 2 });
  });

  test('of a model with a price for tokens, a short prompt is taken for few credits', async () => {
    const { submit, account } = await clientWith(coordinator, 10);
    await submit({ model: 'tokens', prompt: 'hi' });
    // 2 bytes, 256 tokens of a template and 2,048 of a usual answer.
    expect(await account()).toMatchObject({ reserved: 4.612 });
  });

  test('a run that costs more than was set aside is paid from what there is, and no further', async () => {
    const { submit, account } = await clientWith(coordinator, 1.3);
    const jobs = [await submit({ model: 'longer' }), await submit({ model: 'longer' })];
    await miner.register('longer', { capabilities: ['longer'] });
    await miner.claims('longer', 2);
    expect(await account()).toMatchObject({ reserved: 2 * usual });
    coordinator.moveClock({ seconds: 80 });
    const receipts = [];
    for (const { job_id } of jobs) receipts.push(await miner.complete(job_id, 'longer'));
    expect(receipts).toMatchObject([
      { units: 80, price: 0.7, metadata: { max_price: 0.7 } },
      { units: 80, price: 0.6, metadata: { max_price: 0.6 } },
    ]);
    expect(await account()).toMatchObject({ balance: 0, reserved: 0 });
  });

  test('a job that is not covered is refused, and changes nothing', async () => {
    const { key, account } = await clientWith(coordinator, 0.599999);
    const answer = await coordinator.call('POST', '/v1/jobs', job('refused'), { key });
    expect(refusal(answer)).toEqual([402, 'PAYMENT_INSUFFICIENT_BALANCE']);
    expect((answer.body as Problem).detail).toContain(
      'may cost up to 0.6 credits, and 0.599999 are available',
    );
    expect(await account()).toMatchObject({ balance: 0.599999, reserved: 0 });
    expect((await coordinator.call('GET', '/v1/jobs', undefined, { key })).body).toEqual([]);
  });

  test('of a batch all jobs are covered, or none is taken', async () => {
    const { key, account } = await clientWith(coordinator, 2 * usual);
    const jobs = [job('batch'), job('batch'), job('batch')];
    expect(refusal(await submitAs(key, jobs))).toEqual([402, 'PAYMENT_INSUFFICIENT_BALANCE']);
    expect((await submitAs(key, jobs.slice(1))).status).toBe(201);
    expect(await account()).toMatchObject({ reserved: 2 * usual, available: 0 });
  });

  test('of many submissions at once as many are taken as are covered', async () => {
    const { key, account } = await clientWith(coordinator, 3 * worst);
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => coordinator.call('POST', '/v1/jobs', job('rush'), { key })),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(3);
    expect(answers.filter(({ status }) => status === 402)).toHaveLength(7);
    expect((await account()).available).toBe(0);
  });

  test('a refused submission does not use up its idempotency key', async () => {
    const { key } = await clientWith(coordinator, 0);
    const first = await submitAs(key, [job('key')], 'once');
    expect(first.status).toBe(402);
    const { body } = await coordinator.call<Account>('GET', '/v1/account', undefined, { key });
    await endow(coordinator, body.address, worst);
    const second = await submitAs(key, [job('key')], 'once');
    expect(second.status).toBe(201);
    expect(second.headers.get('idempotent-replayed')).toBe(null);
  });

  test('a repeated submission sets aside nothing more', async () => {
    const { key, account } = await clientWith(coordinator, worst);
    for (const replayed of [null, 'true']) {
      const { headers } = await submitAs(key, [job('again')], 'again');
      expect(headers.get('idempotent-replayed')).toBe(replayed);
    }
    expect((await account()).reserved).toBe(worst);
  });

  describe('what was not used comes back when a job', () => {
    test('is completed', async () => {
      const { submit, account } = await clientWith(coordinator, 10);
      const { job_id } = await submit({ model: 'completed' });
      await miner.register('completes', { capabilities: ['completed'] });
      await miner.claims('completes');
      coordinator.moveClock({ seconds: 100 });
      await miner.complete(job_id, 'completes');
      expect(await account()).toMatchObject({ balance: 9, reserved: 0, available: 9 });
    });

    test('is cancelled, waiting or running', async () => {
      const { submit, cancel, account } = await clientWith(coordinator, 2 * worst);
      const [waiting, running] = [await submit({ model: 'waits' }), await submit({ model: 'runs' })];
      await miner.register('runs', { capabilities: ['runs'] });
      await miner.claims('runs');
      for (const { job_id } of [waiting, running]) await cancel(job_id);
      expect(await account()).toMatchObject({ balance: 12, reserved: 0 });
    });

    test('expires', async () => {
      const { submit, account } = await clientWith(coordinator, worst);
      await submit({ model: 'expires', ttl_seconds: 60 });
      await coordinator.pass({ seconds: 61 });
      expect(await account()).toMatchObject({ balance: 6, reserved: 0 });
    });

    test('fails for good, and not before', async () => {
      const { submit, account } = await clientWith(coordinator, worst);
      const { job_id } = await submit({ model: 'fails', max_attempts: 2 });
      await miner.register('fails', { capabilities: ['fails'] });
      await miner.claims('fails');
      await miner.fail(job_id, 'fails');
      expect((await account()).reserved).toBe(worst);
      await coordinator.pass({ seconds: 60 });
      await miner.claims('fails');
      await miner.fail(job_id, 'fails');
      expect(await account()).toMatchObject({ balance: 6, reserved: 0 });
    });
  });

  test('a job never costs more than was set aside, however late it is seen to be over', async () => {
    const { submit, account } = await clientWith(coordinator, worst);
    const { job_id } = await submit({ model: 'late' });
    await miner.register('late', { capabilities: ['late'] });
    await miner.claims('late');
    coordinator.moveClock({ seconds: 5_000 });
    const receipt = await miner.complete(job_id, 'late');
    expect(receipt).toMatchObject({ price: worst, metadata: { max_price: worst } });
    expect(await account()).toMatchObject({ balance: 0, reserved: 0, available: 0 });
    const { body } = await coordinator.call<{ keys: [] }>('GET', '/v1/keys');
    expect((await verifyReceipt(receipt as Receipt, { keys: body.keys })).valid).toBe(true);
  });

  test('jobs from before and after a change of the rule both end as they should', async () => {
    const { key, account } = await clientWith(coordinator, worst);
    const { submit, cancel } = actions(coordinator, key);
    const before = await submit({ model: 'switch' });
    await coordinator.restart({ seconds: 0 }, { billing: 'postpaid' });
    const after = await submit({ model: 'switch' });
    expect((await account()).reserved).toBe(worst);
    await cancel(before.job_id);
    await coordinator.restart();
    await cancel(after.job_id);
    expect(await account()).toMatchObject({ balance: 6, reserved: 0 });
  });

  test('every account is what its entries and its jobs say', async () => {
    expect(await violations(coordinator.running.modules.store.read)).toEqual([]);
  });
});
