import type { FailJob, Job, Miner } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { refusal } from '../harness/answers.ts';
import { actions, withCoordinator } from '../harness/coordinator.ts';
import { describeOneEngine } from '../harness/engines.ts';

/* Clients that want honest miners suspended. */

describeOneEngine('what clients can do to a miner’s reputation', engine => {
  const coordinator = withCoordinator(engine, { retryBackoffSeconds: 0 });
  const { register, claims, heartbeat, fail, complete } = actions(coordinator);
  const reputation = async (id: string) =>
    (await coordinator.call<Miner>('GET', `/v1/miners/${id}`)).body.reputation;
  const client = async () => actions(coordinator, await coordinator.key('client'));

  /** A client has a miner fail with so many of its jobs. */
  async function ruin(id: string, jobs: number, report: Partial<FailJob> = {}, model = id) {
    const { submit } = await client();
    for (let count = 0; count < jobs; count++) {
      const { job_id } = await submit({ model, max_attempts: 1 });
      await claims(id);
      await fail(job_id, id, report);
    }
  }

  test('a price limit that pays for no practical time is refused, and nobody gets the job', async () => {
    const job = { model: 'tiny', prompt: 'x', constraints: { max_price: 0.000001 } };
    const answer = await coordinator.call('POST', '/v1/jobs', job);
    expect(refusal(answer)).toEqual([400, 'VALIDATION_OUT_OF_RANGE', 'constraints.max_price']);
    const batch = await coordinator.call('POST', '/v1/jobs/batch', {
      jobs: [{ ...job, constraints: {} }, job],
    });
    expect(refusal(batch)).toEqual([400, 'VALIDATION_OUT_OF_RANGE', 'jobs.1.constraints.max_price']);
  });

  test('a deadline that the price set blames nobody, one of the operator’s does', async () => {
    await register('slow', { capabilities: ['slow'] });
    const { submit } = await client();
    await submit({ model: 'slow', max_attempts: 1, constraints: { max_price: 0.02 } });
    const [cheap] = await claims('slow');
    await coordinator.pass({ seconds: 2 });
    const { body } = await coordinator.call<Miner>('GET', '/v1/miners/slow');
    expect(cheap).toBeDefined();
    expect(body).toMatchObject({ failed: 1, reputation: { score: 0.9, timeouts: 0 } });
    await submit({ model: 'slow', max_attempts: 1 });
    const [dear] = await claims('slow');
    for (let minute = 0; minute < 10; minute++) {
      await heartbeat('slow', [dear?.job_id ?? '']);
      await coordinator.pass({ seconds: 60 });
    }
    expect((await reputation('slow')).timeouts).toBeCloseTo(1, 2);
  });

  test('the coordinator’s own absence blames nobody', async () => {
    await register('left', { capabilities: ['left'] });
    const { submit } = await client();
    await submit({ model: 'left', max_attempts: 1 });
    await claims('left');
    await coordinator.pass({ seconds: 3600 });
    await coordinator.pass({ seconds: 120 });
    expect(await reputation('left')).toMatchObject({ score: 0.9, timeouts: 0 });
  });

  test.each(['refused', 'unsupported', 'busy'] as const)(
    'requests that are %s blame nobody',
    async error_class => {
      await register(error_class, { capabilities: [error_class] });
      await ruin(error_class, 5, { error_class });
      expect(await reputation(error_class)).toMatchObject({ score: 0.9, failures: 0 });
    },
  );

  test('one job counts once, however often it is tried', async () => {
    await register('again', { capabilities: ['again'] });
    const { submit } = await client();
    const { job_id } = await submit({ model: 'again', max_attempts: 20 });
    for (let attempts = 0; attempts < 20; attempts++) {
      await claims('again');
      await fail(job_id, 'again');
    }
    expect((await reputation('again')).failures).toBeCloseTo(1, 2);
  });

  test('one account counts ten times, and one model thirty times, which suspends nobody', async () => {
    await register('hunted', { capabilities: ['hunted', 'other'] });
    await ruin('hunted', 12);
    expect((await reputation('hunted')).failures).toBeCloseTo(10, 1);
    for (let account = 0; account < 3; account++) await ruin('hunted', 10);
    expect(await reputation('hunted')).toMatchObject({ suspended_at: null });
    expect((await reputation('hunted')).failures).toBeCloseTo(30, 1);
    await ruin('hunted', 6, {}, 'other');
    await claims('hunted');
    expect((await reputation('hunted')).suspended_at).not.toBeNull();
  });

  test('texts that differ cost nothing, not even those that begin like nobody’s', async () => {
    const ids = ['mad', 'sane', 'sober'];
    for (const id of ids) await register(id, { capabilities: ['texts'] });
    const { submit, job } = await client();
    const params = { temperature: 0, seed: 1 };
    for (let jobs = 0; jobs < 10; jobs++) {
      const { job_id } = await submit({ model: 'texts', replication: 3, params });
      for (const id of ids) {
        const [run] = await claims(id);
        const text = id === 'mad' ? `Gibberish ${jobs}` : `The answer is 42, says ${id}`;
        await complete(run?.job_id ?? '', id, text);
      }
      expect((await job(job_id)).error?.error_code).toBe('RESULTS_DISAGREE');
    }
    for (const id of ids) await heartbeat(id);
    for (const id of ids) expect((await reputation(id)).score).toBeGreaterThan(0.9);
    for (let jobs = 0; jobs < 3; jobs++) await submit({ model: 'texts' });
    expect(await claims('mad', 3)).toHaveLength(3);
  });

  test('what a client can do to one miner, another job of an honest client does not feel', async () => {
    await register('works', { capabilities: ['works'] });
    await ruin('works', 12);
    const { submit, job } = await client();
    const { job_id } = await submit({ model: 'works' });
    await claims('works');
    await complete(job_id, 'works');
    expect((await job(job_id)) satisfies Job).toMatchObject({ status: 'completed' });
  });
});
