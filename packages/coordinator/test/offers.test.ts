import type { MinerJob } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { refusal } from './harness/answers.ts';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';

describeEachEngine('the job that is available', engine => {
  const coordinator = withCoordinator(engine, { sweepSeconds: 30 });
  const { submit, job, register, available, claim, claims } = actions(coordinator);
  const tryClaim = (jobId: string, minerId: string) =>
    coordinator.call('POST', `/v1/jobs/${jobId}/claim`, { miner_id: minerId });

  async function twoMiners(model: string) {
    const miners = [`${model}-1`, `${model}-2`] as const;
    for (const id of miners) await register(id, { capabilities: [model] });
    return miners;
  }

  test('is null when there is none', async () => {
    await register('idle', { capabilities: ['idle'] });
    const { status, body, headers } = await coordinator.call('GET', '/v1/jobs/available?miner_id=idle');
    expect([status, body]).toEqual([200, null]);
    expect(headers.get('content-type')).toContain('application/json');
  });

  test('comes with its prompt, until when it is kept, and the deadline of a claim', async () => {
    const [miner] = await twoMiners('offer');
    const { job_id, created_at, salt } = await submit({ model: 'offer', params: { seed: 1 } });
    expect(await available(miner)).toEqual({
      job_id,
      status: 'pending',
      model: 'offer',
      prompt: 'Hello',
      params: { seed: 1 },
      priority: 0,
      constraints: {},
      stream: false,
      attempt: 1,
      created_at,
      lease_expires_at: new Date(coordinator.now() + 5_000).toISOString(),
      deadline: new Date(coordinator.now() + 600_000).toISOString(),
      salt,
    });
    expect(await job(job_id)).toMatchObject({ status: 'pending', attempts: 0 });
  });

  test('is offered to no other miner for five seconds', async () => {
    const [first, second] = await twoMiners('hold');
    const { job_id } = await submit({ model: 'hold' });
    await available(first);
    expect(await available(second)).toBeNull();
    const refused = await tryClaim(job_id, second);
    expect(refusal(refused)).toEqual([409, 'JOB_ALREADY_CLAIMED']);
    expect(refused.headers.get('retry-after')).toBe('5');
    expect(await claims(second)).toEqual([]);
    await coordinator.pass({ seconds: 5 });
    expect((await available(second))?.job_id).toBe(job_id);
  });

  test('is the same one when the miner asks again', async () => {
    const [miner] = await twoMiners('again');
    const { job_id } = await submit({ model: 'again' });
    await submit({ model: 'again' });
    expect([await available(miner), await available(miner)].map(offer => offer?.job_id)).toEqual([
      job_id,
      job_id,
    ]);
  });

  test('is kept no longer for a miner that keeps asking', async () => {
    const [first, second] = await twoMiners('hog');
    const { job_id } = await submit({ model: 'hog' });
    await available(first);
    coordinator.moveClock({ seconds: 3 });
    await available(first);
    await coordinator.pass({ seconds: 2 });
    expect((await available(second))?.job_id).toBe(job_id);
  });

  test('may be claimed by its miner after the offer is over, while nobody else took it', async () => {
    const [miner] = await twoMiners('late');
    const { job_id } = await submit({ model: 'late' });
    await available(miner);
    coordinator.moveClock({ seconds: 60 });
    expect((await claim(job_id, miner)).status).toBe('running');
  });

  test('goes to its miner when that claims whatever there is', async () => {
    const [first, second] = await twoMiners('both-ways');
    const { job_id } = await submit({ model: 'both-ways' });
    await available(first);
    expect(await claims(second)).toEqual([]);
    expect((await claims(first)).map(job => job.job_id)).toEqual([job_id]);
  });

  test('different miners are offered different jobs', async () => {
    const [first, second] = await twoMiners('spread');
    const ids = [(await submit({ model: 'spread' })).job_id, (await submit({ model: 'spread' })).job_id];
    const offers = await Promise.all([available(first), available(second)]);
    expect(offers.map(offer => offer?.job_id).sort()).toEqual(ids);
  });

  test('a miner that waits is offered a job as soon as it is submitted', async () => {
    const [miner] = await twoMiners('wait');
    const waiting = coordinator.call<MinerJob>('GET', `/v1/jobs/available?miner_id=${miner}&wait=20`);
    const { job_id } = await submit({ model: 'wait' });
    expect((await waiting).body.job_id).toBe(job_id);
  });

  test('a wait that ends without a job answers null', async () => {
    const [miner] = await twoMiners('in-vain');
    const { body } = await coordinator.call('GET', `/v1/jobs/available?miner_id=${miner}&wait=0.01`);
    expect(body).toBeNull();
  });

  test('an unknown miner is told to register', async () => {
    const answer = await coordinator.call('GET', '/v1/jobs/available?miner_id=stranger&wait=20');
    expect(refusal(answer)).toEqual([404, 'MINER_NOT_FOUND']);
  });

  test('asking without a miner is refused', async () => {
    expect(refusal(await coordinator.call('GET', '/v1/jobs/available'))).toEqual([
      400,
      'VALIDATION_MISSING_FIELD',
      'miner_id',
    ]);
  });
});
