import type { Miner } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { createIds, createKey } from '../../src/index.ts';
import { refusal } from '../harness/answers.ts';
import { actions, withCoordinator } from '../harness/coordinator.ts';
import { describeOneEngine } from '../harness/engines.ts';

/* Owners of miners that take more than their share, or shed what they did by another id. */

describeOneEngine('what owners of miners can do', engine => {
  const coordinator = withCoordinator(engine, {
    ...{ mode: 'keyed', retryBackoffSeconds: 0, maxMinersPerOwner: 3, minReputation: 0.85 },
  });
  const client = async () => actions(coordinator, await coordinator.key('client'));
  const owner = async (key?: string) => {
    const own = key ?? (await coordinator.key('miner'));
    return { key: own, ...actions(coordinator, own) };
  };

  async function trusted() {
    const { store } = coordinator.running.modules;
    const id = createIds(coordinator.now).next('key');
    const { key } = await createKey(store, {
      id,
      name: null,
      scopes: ['miner'],
      expiresAt: null,
      trusted: true,
    });
    return await owner(key);
  }

  async function submitMany(model: string, jobs: number) {
    const { submit, ...rest } = await client();
    const ids: string[] = [];
    for (let count = 0; count < jobs; count++) ids.push((await submit({ model })).job_id);
    return { ids, ...rest };
  }

  test('jobs that one owner calls impossible are done by another, and cost it nothing', async () => {
    const [honest, evil] = [await owner(), await owner()];
    await honest.register('honest', { capabilities: ['impossible'] });
    await evil.register('evil', { capabilities: ['impossible'] });
    const { ids, job } = await submitMany('impossible', 4);
    const taken = await evil.claims('evil', 256);
    for (const { job_id } of taken) await evil.fail(job_id, 'evil', { retryable: false });
    expect(taken).toHaveLength(4);
    expect(await evil.claims('evil', 256)).toEqual([]);
    for (const { job_id } of await honest.claims('honest', 256)) await honest.complete(job_id, 'honest');
    expect(await Promise.all(ids.map(async id => (await job(id)).status))).toEqual(
      Array(4).fill('completed'),
    );
    const { body } = await coordinator.call<Miner>('GET', '/v1/miners/evil', undefined, evil);
    expect(body.reputation).toMatchObject({ score: 0.9 });
  });

  test('a new owner begins with four jobs at once, over all its miners, and earns one with each', async () => {
    const [first, second] = [await owner(), await owner()];
    await first.register('there', { capabilities: ['slow-start', 'other'] });
    for (const id of ['new-1', 'new-2']) await second.register(id, { capabilities: ['slow-start'] });
    const { ids } = await submitMany('slow-start', 9);
    const taken = [...(await second.claims('new-1', 3)), ...(await second.claims('new-2', 256))];
    expect(taken).toHaveLength(4);
    const more = ids.find(id => !taken.some(({ job_id }) => job_id === id));
    const refused = await coordinator.call('POST', `/v1/jobs/${more}/claim`, { miner_id: 'new-1' }, second);
    expect(refusal(refused)).toEqual([409, 'MINER_CAPACITY_FULL']);
    await second.complete(taken[0]?.job_id ?? '', 'new-1');
    expect(await second.claims('new-1', 256)).toHaveLength(2);
  });

  test('a waiting miner gets a job soon after its owner may have one more', async () => {
    const [first, second] = [await owner(), await owner()];
    await first.register('elsewhere-too', { capabilities: ['one-more'] });
    await second.register('waits', { capabilities: ['one-more'] });
    await submitMany('one-more', 6);
    const [held] = await second.claims('waits', 256);
    const waiting = coordinator.call<{ jobs: unknown[] }>(
      'POST',
      '/v1/miners/waits/claims',
      { max: 1, wait: 20 },
      second,
    );
    await second.complete(held?.job_id ?? '', 'waits');
    await coordinator.pass({ seconds: 6 });
    expect((await waiting).body.jobs).toHaveLength(1);
  });

  test('a new owner whose model nobody else offers has as many jobs at once as its miner takes', async () => {
    const [first, second] = [await owner(), await owner()];
    await first.register('elsewhere', { capabilities: ['another'] });
    await second.register('alone', { capabilities: ['nobody-else'] });
    const { ids } = await submitMany('nobody-else', 9);
    const taken = await second.claims('alone', 8);
    expect(taken).toHaveLength(8);
    await first.register('elsewhere', { capabilities: ['another', 'nobody-else'] });
    const refused = await coordinator.call(
      'POST',
      `/v1/jobs/${ids.find(id => !taken.some(({ job_id }) => job_id === id))}/claim`,
      { miner_id: 'alone' },
      second,
    );
    expect(refusal(refused)).toEqual([409, 'MINER_CAPACITY_FULL']);
  });

  test('an owner that is vouched for has as many jobs and miners as it likes, and its word is enough', async () => {
    const farm = await trusted();
    for (const number of [1, 2, 3, 4]) await farm.register(`farm-${number}`, { capabilities: ['vouched'] });
    const { ids, job } = await submitMany('vouched', 9);
    const taken = await farm.claims('farm-1', 256);
    expect(taken).toHaveLength(9);
    await (await owner()).register('word', { capabilities: ['vouched'] });
    await farm.fail(ids[0] ?? '', 'farm-1', { error_class: 'refused' });
    expect((await job(ids[0] ?? '')).error?.error_code).toBe('JOB_REFUSED');
  });

  test('an owner has so many miners at most, removed ones of the day among them', async () => {
    await (await owner()).register('zero');
    const { key, register } = await owner();
    for (const id of ['one', 'two', 'three']) await register(id);
    await register('one');
    await coordinator.call('DELETE', '/v1/miners/two', undefined, { key });
    const body = { miner_id: 'four', capabilities: ['m'] };
    const answer = await coordinator.call('POST', '/v1/miners/register', body, { key });
    expect(refusal(answer)).toEqual([429, 'RATE_QUOTA_EXCEEDED']);
    await coordinator.pass({ seconds: 24 * 3600 });
    await register('four');
  });

  test('a suspended owner is suspended by whatever id its miners come', async () => {
    const { key, register, claims, fail } = await owner();
    await register('known', { capabilities: ['shed'] });
    const { ids } = await submitMany('shed', 3);
    await claims('known');
    await fail(ids[0] ?? '', 'known', { error_class: 'broken' });
    await register('another', { capabilities: ['shed'] });
    expect([await claims('known'), await claims('another')]).toEqual([[], []]);
    const { body } = await coordinator.call<Miner>('GET', '/v1/miners/another', undefined, { key });
    expect(body.reputation).toMatchObject({ suspended_at: expect.any(String) });
  });

  test('handing a job back again and again counts in the end', async () => {
    const { key, register, claims } = await owner();
    await register('returns', { capabilities: ['returned'] });
    const { ids, job } = await submitMany('returned', 1);
    for (let times = 0; times < 13; times++) {
      await claims('returns');
      await coordinator.call('POST', `/v1/jobs/${ids[0]}/release`, { miner_id: 'returns' }, { key });
    }
    expect(await job(ids[0] ?? '')).toMatchObject({ status: 'failed', attempts: 3 });
  });
});
