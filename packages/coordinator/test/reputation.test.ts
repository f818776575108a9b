import type { Job, Miner, MinerDetail } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import type { Principal } from '../src/accounts/keys.ts';
import { refusal } from './harness/answers.ts';
import { actions, type TestCoordinator, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';

const DAY = 24 * 3600;

const neverHangsUp = () => new AbortController().signal;

function reputations(coordinator: TestCoordinator) {
  const { submit, register, claim, claims, complete, fail, heartbeat, available } = actions(coordinator);
  const miner = async (id: string) => (await coordinator.call<MinerDetail>('GET', `/v1/miners/${id}`)).body;

  async function run(id: string, end: (jobId: string) => Promise<unknown>): Promise<void> {
    const { job_id } = await submit({ model: id, max_attempts: 1 });
    await claim(job_id, id);
    await end(job_id);
  }

  return {
    submit,
    claims,
    complete,
    heartbeat,
    available,
    miner,
    reputation: async (id: string) => (await miner(id)).reputation,
    register: async (id: string, models: string[] = [id]) => {
      await register(id, { capabilities: models });
      return id;
    },
    succeeds: (id: string) => run(id, jobId => complete(jobId, id)),
    fails: (id: string, retryable = true) => run(id, jobId => fail(jobId, id, { retryable })),
    fallsSilent: (id: string) => run(id, () => coordinator.pass({ seconds: 120 })),
  };
}

describeEachEngine('the reputation of a miner', engine => {
  const coordinator = withCoordinator(engine);
  const { register, reputation, succeeds, fails, fallsSilent, submit, claims } = reputations(coordinator);

  test('follows from its successes, its failures, and the jobs that it never ended', async () => {
    const id = await register('mixed');
    await succeeds(id);
    await succeeds(id);
    await fails(id);
    await fallsSilent(id);
    const found = await reputation(id);
    expect(found).toMatchObject({ agreements: 0, disagreements: 0, suspended_at: null });
    expect(found.successes).toBeCloseTo(2, 1);
    expect(found.failures).toBeCloseTo(1, 1);
    expect(found.timeouts).toBeCloseTo(1, 1);
    expect(found.score).toBeCloseTo(11 / 14, 2);
  });

  test('does not suffer from jobs that no miner could run', async () => {
    const id = await register('blameless');
    await fails(id, false);
    expect(await reputation(id)).toMatchObject({ score: 0.9, failures: 0 });
  });

  test('does not suffer from jobs that it hands back', async () => {
    const id = await register('polite');
    const { job_id } = await submit({ model: id });
    await claims(id);
    await coordinator.call('POST', `/v1/jobs/${job_id}/release`, { miner_id: id });
    expect(await reputation(id)).toMatchObject({ score: 0.9, failures: 0, timeouts: 0 });
  });

  test('is that of two weeks ago by half, whether the miner was there or not', async () => {
    const [there, away] = [await register('there'), await register('away')];
    for (const id of [there, away]) for (let times = 0; times < 4; times++) await fails(id);
    for (let days = 0; days < 14; days++) {
      await coordinator.pass({ seconds: DAY });
      await claims(there);
    }
    for (const id of [there, away]) {
      const { score, failures } = await reputation(id);
      expect(failures).toBeCloseTo(2, 1);
      expect(score).toBeCloseTo(9 / 12, 2);
    }
  });

  test('is in the list of miners for all to see', async () => {
    await fails(await register('listed'));
    const { body } = await coordinator.call<Miner[]>('GET', '/v1/miners?limit=100');
    expect(body.find(miner => miner.miner_id === 'listed')?.reputation).toMatchObject({ failures: 1 });
  });

  test('decides whose turn it is among miners that ask at once', async () => {
    await register('poor', ['poor', 'contested']);
    await register('good', ['good', 'contested']);
    await fails('poor');
    const { job_id } = await submit({ model: 'contested' });
    const { accounts, leases } = coordinator.running.modules;
    const request = { max: 1, waitSeconds: 0, offer: false };
    const take = (minerId: string) =>
      leases.take(accounts.anonymous as Principal, { ...request, minerId }, neverHangsUp);
    // In one batch, which requests over HTTP may miss.
    const [poor, good] = await Promise.all([take('poor'), take('good')]);
    expect([poor, good].map(jobs => jobs.map(job => job.job_id))).toEqual([[], [job_id]]);
  });

  test('decides whom of the waiting a job wakes, for some seconds', async () => {
    const { scheduling: waits } = coordinator.running.modules;
    const abilities = { capabilities: new Set(['wakes']), region: null, vram_gb: null, loaded: null };
    const woken: string[] = [];
    const wait = async (name: string, score: number, waited: number) => {
      const waitingMiner = {
        abilities: { ...abilities, suspended: false, id: 'waits', owner: null, passports: new Map() },
        score,
      };
      const since = performance.now() - waited * 1000;
      await waits.forWork({ ...waitingMiner, since }, 10_000, new AbortController().signal);
      woken.push(name);
    };
    const waiting = [wait('patient', 0.5, 6), wait('poor', 0.5, 1), wait('good', 1, 0)];
    for (let jobs = 0; jobs < 3; jobs++) await submit({ model: 'wakes' });
    await Promise.all(waiting);
    expect(woken).toEqual(['patient', 'good', 'poor']);
  });
});

describeEachEngine('a miner whose reputation falls below what is demanded', engine => {
  const coordinator = withCoordinator(engine, { minReputation: 0.85 });
  const { submit, claims, available, heartbeat, complete, ...miners } = reputations(coordinator);
  const { miner, register, fails } = miners;
  const claim = (jobId: string, id: string) =>
    coordinator.call('POST', `/v1/jobs/${jobId}/claim`, { miner_id: id });
  const reinstate = async (id: string) =>
    await coordinator.call<Miner>(
      'POST',
      `/v1/miners/${id}/reinstate`,
      {},
      { key: await coordinator.key('admin') },
    );

  async function suspended(id: string) {
    await register(id);
    await fails(id);
    return id;
  }

  test('gets nothing, however it asks', async () => {
    const id = await suspended('asks');
    const { job_id, queue } = await submit({ model: id });
    expect([await claims(id), await available(id)]).toEqual([[], null]);
    expect(refusal(await claim(job_id, id))).toEqual([403, 'MINER_SUSPENDED']);
    expect(queue).toMatchObject({ eligible_miners: 1 });
    expect((await submit({ model: id })).queue).toMatchObject({ eligible_miners: 0 });
  });

  test('is told why, and everyone sees it', async () => {
    const id = await suspended('told');
    await submit({ model: id });
    expect(await heartbeat(id)).toMatchObject({ suspended: true });
    const { reputation, workload } = await miner(id);
    expect(reputation.suspended_at).toBe(new Date(coordinator.now()).toISOString());
    expect(workload.reason).toMatch(/suspended/);
    const { body } = await coordinator.call('GET', '/v1/models');
    expect(JSON.stringify(body)).not.toContain(`"${id}"`);
  });

  test('may finish what it holds', async () => {
    const id = await register('holds');
    const [kept, failed] = [
      await submit({ model: id, max_attempts: 1 }),
      await submit({ model: id, max_attempts: 1 }),
    ];
    await claims(id, 2);
    await actions(coordinator).fail(failed.job_id, id);
    expect(await heartbeat(id, [kept.job_id])).toMatchObject({ suspended: true, stop: [] });
    await complete(kept.job_id, id);
    expect((await coordinator.call<Job>('GET', `/v1/jobs/${kept.job_id}`)).body.status).toBe('completed');
  });

  test('stays out for a day, by whatever it does, and then has one job at a time for ten jobs', async () => {
    const id = await suspended('stays');
    await claims(id);
    await coordinator.pass({ seconds: DAY - 1 });
    await register(id);
    for (let jobs = 0; jobs < 12; jobs++) await submit({ model: id });
    expect(await claims(id, 5)).toEqual([]);
    await coordinator.pass({ seconds: 1 });
    for (let jobs = 0; jobs < 10; jobs++) {
      const [only, ...more] = await claims(id, 5);
      expect([only?.model, more]).toEqual([id, []]);
      expect(await claims(id, 5)).toEqual([]);
      await complete(only?.job_id ?? '', id);
    }
    expect(await claims(id, 5)).toHaveLength(2);
  });

  test('has each result compared while it is on probation, where another owner can run the job', async () => {
    const id = await suspended('watched');
    await claims(id);
    await coordinator.pass({ seconds: DAY });
    await claims(id);
    const { job_id } = await submit({ model: id, params: { temperature: 0, seed: 1 } });
    await claims(id);
    await complete(job_id, id);
    await register('watcher', [id]);
    expect(await claims('watcher')).toMatchObject([{ model: id }]);
  });

  test('gets jobs again when an administrator says so, its record as that of a new one', async () => {
    const id = await suspended('pardoned');
    await claims(id);
    const { status, body } = await reinstate(id);
    expect([status, body.reputation]).toMatchObject([200, { score: 0.9, failures: 0, suspended_at: null }]);
    await submit({ model: id });
    expect(await claims(id)).toHaveLength(1);
    expect(await heartbeat(id)).toMatchObject({ suspended: false });
  });

  test('is the only one that reinstating changes', async () => {
    const id = await register('innocent');
    await miners.succeeds(id);
    expect((await reinstate(id)).body.reputation.successes).toBe(1);
    expect(refusal(await reinstate('nobody'))).toEqual([404, 'MINER_NOT_FOUND']);
  });
});
