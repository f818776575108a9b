import type { JobOutcome } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { refusal } from './harness/answers.ts';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';

const ids = (jobs: readonly { job_id: string }[]) => jobs.map(({ job_id }) => job_id);

describeEachEngine('a job that does not succeed at once', engine => {
  const coordinator = withCoordinator(engine, { retryBackoffSeconds: 2, sweepSeconds: 60 });
  const { submit, job, register, available, claim, claims, complete, heartbeat } = actions(coordinator);
  const fail = (jobId: string, minerId: string, more: object = {}) =>
    coordinator.call<JobOutcome>('POST', `/v1/jobs/${jobId}/fail`, {
      miner_id: minerId,
      error: 'No memory',
      ...more,
    });
  const release = (jobId: string, minerId: string) =>
    coordinator.call<JobOutcome>('POST', `/v1/jobs/${jobId}/release`, { miner_id: minerId });

  /** A job of its own model, in the hands of a miner of the model's name. */
  async function running(model: string, more: object = {}) {
    await register(model, { capabilities: [model] });
    const { job_id } = await submit({ model, ...more });
    await claims(model);
    return job_id;
  }

  test('goes back to the queue when its miner fails', async () => {
    const id = await running('fails');
    expect((await fail(id, 'fails')).body).toEqual({
      job_id: id,
      status: 'pending',
      attempts: 1,
      max_attempts: 3,
    });
    expect(await job(id)).toMatchObject({ status: 'pending', miner_id: null, started_at: null, error: null });
  });

  test('pauses longer after each failure', async () => {
    const id = await running('pauses');
    for (const pause of [2, 4]) {
      await fail(id, 'pauses');
      await coordinator.pass({ seconds: pause - 1 });
      expect(await claims('pauses')).toEqual([]);
      const refused = await coordinator.call('POST', `/v1/jobs/${id}/claim`, { miner_id: 'pauses' });
      expect(refusal(refused)).toEqual([409, 'JOB_INVALID_STATUS']);
      expect(refused.headers.get('retry-after')).toBe('1');
      await coordinator.pass({ seconds: 1 });
      expect(ids(await claims('pauses'))).toEqual([id]);
    }
  });

  test('fails for good after its last attempt, with the error of its miner', async () => {
    const id = await running('last', { max_attempts: 2 });
    await fail(id, 'last');
    await coordinator.pass({ seconds: 2 });
    await claim(id, 'last');
    expect((await fail(id, 'last', { error: 'Überhitzt\0 🔥' })).body).toMatchObject({
      status: 'failed',
      attempts: 2,
    });
    expect(await job(id)).toMatchObject({
      status: 'failed',
      miner_id: 'last',
      error: { error_code: 'MINER_FAILED', detail: 'Überhitzt\0 🔥' },
      completed_at: new Date(coordinator.now()).toISOString(),
      result: null,
      receipt_id: null,
    });
  });

  test('fails for good when its miner says that trying again is no use', async () => {
    const id = await running('hopeless');
    expect((await fail(id, 'hopeless', { retryable: false })).body).toMatchObject({
      status: 'failed',
      attempts: 1,
    });
  });

  test('may succeed at the next attempt', async () => {
    const id = await running('second');
    await fail(id, 'second');
    await coordinator.pass({ seconds: 2 });
    expect(await claim(id, 'second')).toMatchObject({ attempt: 2 });
    await complete(id, 'second');
    expect(await job(id)).toMatchObject({ status: 'completed', attempts: 2, error: null });
  });

  test('wakes a miner that waits when its pause is over', async () => {
    const id = await running('wakes');
    await fail(id, 'wakes');
    const waiting = coordinator.call<{ jobs: { job_id: string }[] }>('POST', '/v1/miners/wakes/claims', {
      wait: 20,
    });
    await coordinator.pass({ seconds: 2 });
    expect(ids((await waiting).body.jobs)).toEqual([id]);
  });

  test('is handed back at once and without counting when its miner releases it', async () => {
    const id = await running('releases', { max_attempts: 1 });
    expect((await release(id, 'releases')).body).toMatchObject({ status: 'pending', attempts: 0 });
    expect(ids(await claims('releases'))).toEqual([id]);
  });

  test.each(['fail', 'release'])('only its miner may %s it', async how => {
    const id = await running(`only-${how}`);
    await register('other');
    const give = how === 'fail' ? fail : release;
    expect(refusal(await give(id, 'other'))).toEqual([409, 'JOB_NOT_LEASED']);
    expect(refusal(await give(id, 'stranger'))).toEqual([404, 'MINER_NOT_FOUND']);
    expect(refusal(await give('job-none', 'other'))).toEqual([404, 'JOB_NOT_FOUND']);
    await give(id, `only-${how}`);
    expect(refusal(await give(id, `only-${how}`))).toEqual([409, 'JOB_NOT_LEASED']);
  });

  test.each([{ error: '' }, { error: 'x'.repeat(4097) }, { error: undefined }, { retryable: 'no' }])(
    'a report of %j is refused',
    async wrong => {
      expect((await fail('any', 'any', wrong)).status).toBe(400);
    },
  );

  test('goes to another miner when its own falls silent', async () => {
    const id = await running('silent');
    await coordinator.pass({ seconds: 119 });
    expect((await job(id)).status).toBe('running');
    await coordinator.pass({ seconds: 1 });
    expect(await job(id)).toMatchObject({ status: 'pending', attempts: 1, miner_id: null });
    await register('heir', { capabilities: ['silent'] });
    expect(ids(await claims('heir'))).toEqual([id]);
    expect(await heartbeat('silent', [id])).toMatchObject({ jobs: [], stop: [{ job_id: id, status: null }] });
  });

  test('fails when its last miner falls silent, and says so', async () => {
    const id = await running('last-silent', { max_attempts: 1 });
    await coordinator.pass({ seconds: 120 });
    expect(await job(id)).toMatchObject({
      status: 'failed',
      error: { error_code: 'LEASE_EXPIRED', detail: 'Miner last-silent was not heard of in time' },
    });
  });

  test('is taken from a miner that lives but does not finish before the deadline', async () => {
    const id = await running('slow', { max_attempts: 1 });
    for (let minute = 0; minute < 10; minute++) {
      await heartbeat('slow', [id]);
      await coordinator.pass({ seconds: 60 });
    }
    expect((await job(id)).error).toEqual({
      error_code: 'LEASE_EXPIRED',
      detail: 'Miner slow did not finish the job in time',
    });
  });

  test('expires when nobody claims it in its time to live', async () => {
    const { job_id } = await submit({ model: 'nobody', ttl_seconds: 10 });
    await coordinator.pass({ seconds: 9 });
    expect((await job(job_id)).status).toBe('pending');
    await coordinator.pass({ seconds: 1 });
    expect(await job(job_id)).toMatchObject({
      status: 'failed',
      attempts: 0,
      error: {
        error_code: 'JOB_EXPIRED',
        detail: 'The job still waited for a miner when its time to live was over',
      },
      queue: null,
    });
  });

  test('that has expired is given to nobody, even before the sweep', async () => {
    await register('late', { capabilities: ['late'] });
    await submit({ model: 'late', ttl_seconds: 10 });
    coordinator.moveClock({ seconds: 10 });
    expect(await claims('late')).toEqual([]);
    expect(await available('late')).toBeNull();
  });

  test('may run longer than its time to live, which is for waiting', async () => {
    const id = await running('long', { ttl_seconds: 10 });
    await coordinator.pass({ seconds: 60 });
    await complete(id, 'long');
    expect((await job(id)).status).toBe('completed');
  });

  test('is not tried again when its time to live was over meanwhile, and says so', async () => {
    const id = await running('too-late', { ttl_seconds: 10 });
    await coordinator.pass({ seconds: 60 });
    await fail(id, 'too-late');
    await coordinator.pass({ seconds: 2 });
    expect(await job(id)).toMatchObject({
      status: 'failed',
      attempts: 1,
      error: {
        error_code: 'JOB_EXPIRED',
        detail: 'The time to live was over before the job could be tried again',
      },
    });
  });

  test('tells a client that waits when it expires', async () => {
    const { job_id } = await submit({ model: 'waited-for', ttl_seconds: 10 });
    const waiting = coordinator.call('GET', `/v1/jobs/${job_id}?wait=20`);
    await coordinator.pass({ seconds: 10 });
    expect((await waiting).body).toMatchObject({ status: 'failed', error: { error_code: 'JOB_EXPIRED' } });
  });
});
