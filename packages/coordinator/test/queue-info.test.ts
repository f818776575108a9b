import { expect, test } from 'vitest';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';

describeEachEngine('what a pending job says about its turn', engine => {
  const coordinator = withCoordinator(engine);
  const { submit, job, cancel, register, claims, complete } = actions(coordinator);
  const position = async (id: string) => (await job(id)).queue?.position;

  test('the position grows with each job of a client, and falls as jobs start or are cancelled', async () => {
    const [first, second, third] = [
      await submit({ model: 'line' }),
      await submit({ model: 'line' }),
      await submit({ model: 'line' }),
    ];
    expect([first, second, third].map(({ queue }) => queue?.position)).toEqual([1, 2, 3]);
    await register('line-miner', { capabilities: ['line'] });
    await claims('line-miner');
    expect([await position(second.job_id), await position(third.job_id)]).toEqual([1, 2]);
    await cancel(second.job_id);
    expect(await position(third.job_id)).toBe(1);
  });

  test('urgent jobs come before it', async () => {
    const calm = await submit({ model: 'urgent' });
    await submit({ model: 'urgent', priority: 1 });
    await submit({ model: 'urgent', priority: 5 });
    await submit({ model: 'urgent', priority: -1 });
    expect(await position(calm.job_id)).toBe(3);
  });

  test("a client's single job stands before the long line of another", async () => {
    const crowd = actions(coordinator, await coordinator.key('client'));
    for (let count = 0; count < 10; count++) await crowd.submit({ model: 'crowd' });
    const { queue } = await submit({ model: 'crowd' });
    expect(queue?.position).toBeLessThanOrEqual(2);
  });

  test('without a miner it says so', async () => {
    const { queue } = await submit({ model: 'nobody' });
    expect(queue).toEqual({
      position: 1,
      eligible_miners: 0,
      estimated_start_seconds: null,
      reason: 'No live miner offers the model nobody.',
    });
  });

  test('where miners offer the model but lack something, it says what', async () => {
    await register('small', { capabilities: ['big'], gpu_info: { memory: '8GB' }, region: 'eu' });
    const { queue } = await submit({ model: 'big', constraints: { min_vram_gb: 24, region: 'us' } });
    expect(queue).toMatchObject({ eligible_miners: 0, reason: expect.stringMatching(/24 GB.*region us/) });
  });

  test('with an idle miner it starts at once', async () => {
    await register('idle', { capabilities: ['idle'] });
    const { queue } = await submit({ model: 'idle' });
    expect(queue).toMatchObject({ eligible_miners: 1, estimated_start_seconds: 0, reason: null });
  });

  test('behind busy miners nothing is known until a job has run, then the start is estimated', async () => {
    await register('busy', { capabilities: ['busy'], concurrency: 1 });
    const [first] = [await submit({ model: 'busy' }), await submit({ model: 'busy' })];
    await claims('busy');
    expect((await submit({ model: 'busy' })).queue?.estimated_start_seconds).toBeNull();
    coordinator.moveClock({ seconds: 10 });
    await complete(first.job_id, 'busy');
    await claims('busy');
    const { queue } = await submit({ model: 'busy' });
    expect(queue).toMatchObject({ position: 2, estimated_start_seconds: 20 });
  });

  test('miners that drain, leave or fall silent do not count', async () => {
    for (const id of ['drains', 'leaves', 'stays']) await register(id, { capabilities: ['count'] });
    const { job_id } = await submit({ model: 'count' });
    const eligible = async () => (await job(job_id)).queue?.eligible_miners;
    expect(await eligible()).toBe(3);
    await coordinator.call('POST', '/v1/miners/drains/drain');
    expect(await eligible()).toBe(2);
    await coordinator.call('DELETE', '/v1/miners/leaves');
    expect(await eligible()).toBe(1);
    await coordinator.pass({ seconds: 91 });
    expect(await eligible()).toBe(0);
  });

  test('a job that runs or has ended stands in no line', async () => {
    await register('runs', { capabilities: ['runs'] });
    const { job_id } = await submit({ model: 'runs' });
    await claims('runs');
    expect((await job(job_id)).queue).toBeNull();
    await complete(job_id, 'runs');
    expect((await job(job_id)).queue).toBeNull();
  });
});
