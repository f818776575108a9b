import { expect, test } from 'vitest';
import { refusal } from './harness/answers.ts';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';

describeEachEngine('cancelling a job', engine => {
  const coordinator = withCoordinator(engine, { sweepSeconds: 30 });
  const { submit, job, cancel, register, available, claims, complete, fail, heartbeat } =
    actions(coordinator);
  const tryCancel = (id: string, key?: string) =>
    coordinator.call('POST', `/v1/jobs/${id}/cancel`, undefined, key === undefined ? {} : { key });

  async function running(model: string) {
    await register(`${model}-miner`, { capabilities: [model] });
    const { job_id } = await submit({ model });
    await claims(`${model}-miner`);
    return { job_id, miner: `${model}-miner` };
  }

  test('a pending job is cancelled, and offered to nobody', async () => {
    await register('waits', { capabilities: ['pending'] });
    const { job_id } = await submit({ model: 'pending' });
    expect(await cancel(job_id)).toMatchObject({
      status: 'cancelled',
      completed_at: new Date(coordinator.now()).toISOString(),
      queue: null,
    });
    expect(await available('waits')).toBeNull();
  });

  test('a job that is offered is cancelled', async () => {
    await register('offered', { capabilities: ['offered'] });
    const { job_id } = await submit({ model: 'offered' });
    await available('offered');
    await cancel(job_id);
    const claim = await coordinator.call('POST', `/v1/jobs/${job_id}/claim`, { miner_id: 'offered' });
    expect(refusal(claim)).toEqual([409, 'JOB_ALREADY_CANCELLED']);
  });

  test('the miner of a running job learns it from its heartbeat', async () => {
    const { job_id, miner } = await running('heartbeat');
    await cancel(job_id);
    const { jobs, stop } = await heartbeat(miner, [job_id]);
    expect(jobs).toEqual([]);
    expect(stop).toEqual([{ job_id, status: 'cancelled' }]);
  });

  test('the miner of a running job learns it at once from a heartbeat that waits', async () => {
    const { job_id, miner } = await running('waiting-heartbeat');
    const beat = coordinator.call('POST', `/v1/miners/${miner}/heartbeat`, { jobs: [job_id], wait: 20 });
    await cancel(job_id);
    expect((await beat).body).toMatchObject({ jobs: [], stop: [{ job_id, status: 'cancelled' }] });
  });

  test('it learns it also of a job that it claimed while its heartbeat waited', async () => {
    const { miner } = await running('claimed-meanwhile');
    const beat = coordinator.call('POST', `/v1/miners/${miner}/heartbeat`, { jobs: [], wait: 20 });
    const { job_id } = await submit({ model: 'claimed-meanwhile' });
    await claims(miner);
    await cancel(job_id);
    expect((await beat).body).toMatchObject({ stop: [{ job_id, status: 'cancelled' }] });
  });

  test('a heartbeat that waits in vain is answered in time, with the leases as they are', async () => {
    const { job_id, miner } = await running('in-vain');
    const body = { jobs: [job_id], wait: 0.1 };
    const answer = await coordinator.call('POST', `/v1/miners/${miner}/heartbeat`, body);
    expect(answer.body).toMatchObject({ jobs: [{ job_id }], stop: [] });
  });

  test.each(['complete', 'fail', 'release'])(
    'the miner of a running job learns it when it would %s it',
    async how => {
      const { job_id, miner } = await running(`cancelled-${how}`);
      await cancel(job_id);
      const body = {
        miner_id: miner,
        ...(how === 'complete' && { result: 'r' }),
        ...(how === 'fail' && { error: 'e' }),
      };
      const answer = await coordinator.call('POST', `/v1/jobs/${job_id}/${how}`, body);
      expect(refusal(answer)).toEqual([409, 'JOB_ALREADY_CANCELLED']);
      expect(await job(job_id)).toMatchObject({ status: 'cancelled', result: null, receipt_id: null });
    },
  );

  test('the miner of a running job has room again', async () => {
    await register('one-at-once', { capabilities: ['room'], concurrency: 1 });
    const { job_id } = await submit({ model: 'room' });
    await claims('one-at-once');
    await cancel(job_id);
    const next = await submit({ model: 'room' });
    expect((await claims('one-at-once')).map(({ job_id }) => job_id)).toEqual([next.job_id]);
  });

  test('twice is once too often', async () => {
    const { job_id } = await submit();
    await cancel(job_id);
    expect(refusal(await tryCancel(job_id))).toEqual([409, 'JOB_ALREADY_CANCELLED']);
  });

  test('a completed job stays completed', async () => {
    const { job_id, miner } = await running('completed');
    await complete(job_id, miner);
    expect(refusal(await tryCancel(job_id))).toEqual([409, 'JOB_ALREADY_COMPLETED']);
  });

  test('a failed job stays failed', async () => {
    const { job_id, miner } = await running('failed');
    await fail(job_id, miner, { retryable: false });
    expect(refusal(await tryCancel(job_id))).toEqual([409, 'JOB_INVALID_STATUS']);
  });

  test('an expired job stays expired', async () => {
    const { job_id } = await submit({ ttl_seconds: 5 });
    await coordinator.pass({ seconds: 5 });
    expect(refusal(await tryCancel(job_id))).toEqual([410, 'JOB_EXPIRED']);
  });

  test('a job that pauses after a failure is cancelled', async () => {
    const { job_id, miner } = await running('paused');
    await fail(job_id, miner);
    await cancel(job_id);
    await coordinator.pass({ seconds: 60 });
    expect(await claims(miner)).toEqual([]);
  });

  test('only its owner may, or an administrator', async () => {
    const { job_id } = await actions(coordinator, await coordinator.key('client')).submit();
    expect(refusal(await tryCancel(job_id))).toEqual([404, 'JOB_NOT_FOUND']);
    expect(refusal(await tryCancel(job_id, await coordinator.key('client')))).toEqual([404, 'JOB_NOT_FOUND']);
    expect((await tryCancel(job_id, await coordinator.key('admin'))).status).toBe(200);
  });

  test('a content type without a body is fine, as clients send it with every request', async () => {
    const { job_id } = await submit();
    const headers = { 'content-type': 'application/json' };
    const answer = await coordinator.call('POST', `/v1/jobs/${job_id}/cancel`, undefined, { headers });
    expect(answer.status).toBe(200);
  });

  test('of a cancellation and a completion at once, one wins', async () => {
    const { job_id, miner } = await running('race');
    const answers = await Promise.all([
      tryCancel(job_id),
      coordinator.call('POST', `/v1/jobs/${job_id}/complete`, { miner_id: miner, result: 'r' }),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    const { status, receipt_id } = await job(job_id);
    expect(status === 'completed').toBe(receipt_id !== null);
  });
});
