import type { JobPreview, OfferedModels } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { refusal } from './harness/answers.ts';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';
import { makeGrant } from './harness/scenes.ts';

describeEachEngine('a dry run', engine => {
  // 0.01 credits a second, for 600 seconds at most: a job may cost 6 credits.
  const coordinator = withCoordinator(engine, { billing: 'prepaid', tokenRates: { tokens: 2 } });
  const ask = (body: object, headers: Record<string, string> = {}) =>
    coordinator.call<JobPreview>(
      'POST',
      '/v1/jobs',
      { prompt: 'Hello', dry_run: true, ...body },
      { headers },
    );

  test('answers what the job may cost, who could run it and when, and stores nothing', async () => {
    await actions(coordinator).register('runs', { capabilities: ['known'] });
    const before = (await coordinator.call('GET', '/v1/stats')).body;
    const { status, body } = await ask({ model: 'known' }, { 'idempotency-key': 'monday' });
    expect([status, body]).toEqual([
      200,
      {
        dry_run: true,
        model: 'known',
        price: { unit: 'gpu_second', credits: 0.01 },
        cost: { most: 6, usual: 0.6 },
        available: 0,
        queue: { position: 1, eligible_miners: 1, estimated_start_seconds: 0, reason: null },
      },
    ]);
    expect((await coordinator.call('GET', '/v1/stats')).body).toEqual(before);
    expect((await coordinator.call<object[]>('GET', '/v1/jobs')).body).toEqual([]);
    const again = await ask({ model: 'known', prompt: 'Other' }, { 'idempotency-key': 'monday' });
    expect(again.status).toBe(200);
  });

  test('has the price limit, the runs and the tokens in its bound', async () => {
    const limited = await ask({ model: 'x', constraints: { max_price: 0.5 } });
    expect(limited.body.cost).toEqual({ most: 0.5, usual: 0.5 });
    const replicated = await ask({ model: 'x', replication: 3, params: { temperature: 0, seed: 1 } });
    expect(replicated.body.cost.most).toBe(18);
    const counted = await ask({ model: 'tokens', params: { max_tokens: 495 } });
    expect(counted.body).toMatchObject({ price: { unit: 'token', credits: 2 }, cost: { most: 1.512 } });
    expect(counted.body.queue).toMatchObject({ eligible_miners: 0, reason: expect.any(String) });
  });

  test('says what is left to spend', async () => {
    const key = await coordinator.key('client');
    const { address } = (
      await coordinator.call<{ address: string }>('GET', '/v1/account', undefined, { key })
    ).body;
    await makeGrant(coordinator, await coordinator.key('admin'), { to: address, amount: 20 });
    const body = { prompt: 'Hello', model: 'x', dry_run: true };
    const answer = await coordinator.call<JobPreview>('POST', '/v1/jobs', body, { key });
    expect(answer.body.available).toBe(20);
  });

  test('has the errors of the real job', async () => {
    for (const wrong of [{ model: '' }, { model: 'x', priority: 99 }, { model: 'x', prompt: undefined }]) {
      const real = await coordinator.call('POST', '/v1/jobs', { prompt: 'Hello', ...wrong });
      expect(refusal(await ask(wrong))).toEqual(refusal(real));
      expect(real.status).toBe(400);
    }
    const batch = await coordinator.call('POST', '/v1/jobs/batch', {
      jobs: [{ prompt: 'Hello', model: 'x', dry_run: true }],
    });
    expect(refusal(batch)).toEqual([400, 'VALIDATION_UNKNOWN_FIELD', 'jobs.0.dry_run']);
  });

  test('is not needed for rates, which models show', async () => {
    await actions(coordinator).register('rated', { capabilities: ['known', 'tokens'] });
    const { body } = await coordinator.call<OfferedModels>('GET', '/v1/models');
    const prices = body.data.map(({ id, aitbc }) => [id, aitbc.price]);
    expect(prices).toEqual([
      ['known', { unit: 'gpu_second', credits: 0.01 }],
      ['tokens', { unit: 'token', credits: 2 }],
    ]);
  });
});
