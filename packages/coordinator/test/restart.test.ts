import type { PublicKeys } from '@aitbc/protocol';
import { verifyReceipt } from '@aitbc/receipts';
import { expect, test } from 'vitest';
import { refusal } from './harness/answers.ts';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine, describeOneEngine, type Engine } from './harness/engines.ts';

/** A coordinator, and what is done at it. */
function atCoordinator(engine: Engine) {
  const coordinator = withCoordinator(engine, { sweepSeconds: 1, background: false });
  const acts = actions(coordinator);
  return {
    coordinator,
    ...acts,
    /** Makes a job that a miner of the model's name runs. */
    async running(model: string, more: object = {}) {
      await acts.register(model, { capabilities: [model] });
      const { job_id } = await acts.submit({ model, ...more });
      await acts.claims(model);
      return job_id;
    },
  };
}

describeEachEngine('after a restart', engine => {
  const { coordinator, running, submit, job, complete, fail, heartbeat } = atCoordinator(engine);

  test('every job is as it was', async () => {
    const completed = await running('completed');
    await complete(completed, 'completed');
    const failed = await running('failed');
    await fail(failed, 'failed', { retryable: false });
    const held = await running('held');
    const pending = (await submit({ model: 'none', metadata: { a: 1 } })).job_id;
    const ids = [completed, failed, held, pending];
    const before = await Promise.all(ids.map(job));
    await coordinator.restart();
    expect(await Promise.all(ids.map(job))).toEqual(before);
  });

  test('a miner goes on with what it holds', async () => {
    const id = await running('goes-on');
    await coordinator.restart({ seconds: 30 });
    expect((await heartbeat('goes-on', [id])).stop).toEqual([]);
    await complete(id, 'goes-on');
    expect(await job(id)).toMatchObject({ status: 'completed', attempts: 1 });
  });
});

describeOneEngine('after a restart', engine => {
  const { coordinator, running, submit, job, register, available, claim, claims, complete, heartbeat } =
    atCoordinator(engine);

  test('a downtime longer than leases and deadlines costs no miner its work', async () => {
    const id = await running('patient', { max_attempts: 1 });
    await coordinator.restart({ seconds: 3600 });
    await coordinator.running.sweep();
    await coordinator.pass({ seconds: 4 });
    expect((await heartbeat('patient', [id])).jobs).toHaveLength(1);
    await complete(id, 'patient');
    expect((await job(id)).status).toBe('completed');
  });

  test('a downtime costs no client more than the time limit, also of what began after the last sweep', async () => {
    await coordinator.running.sweep();
    coordinator.moveClock({ seconds: 2 });
    const id = await running('late');
    await coordinator.restart({ seconds: 7200 });
    expect((await complete(id, 'late')).duration_ms).toBe(600_000);
  });

  test('a miner that does not come back loses its job after all', async () => {
    const id = await running('gone', { max_attempts: 1 });
    await coordinator.restart({ seconds: 3600 });
    await coordinator.running.sweep();
    for (let passed = 0; passed < 120; passed += 4) await coordinator.pass({ seconds: 4 });
    expect(await job(id)).toMatchObject({ status: 'failed', error: { error_code: 'LEASE_EXPIRED' } });
  });

  test('miners count as live, and their jobs say so', async () => {
    await register('live', { capabilities: ['live'] });
    await coordinator.restart({ seconds: 3600 });
    await coordinator.running.sweep();
    expect((await submit({ model: 'live' })).queue).toMatchObject({ eligible_miners: 1, reason: null });
  });

  test('times to live go on while it was away', async () => {
    const { job_id } = await submit({ model: 'none', ttl_seconds: 60 });
    await coordinator.restart({ seconds: 60 });
    await coordinator.running.sweep();
    expect((await job(job_id)).error?.error_code).toBe('JOB_EXPIRED');
  });

  test('an offer still stands, and ends', async () => {
    for (const id of ['asks', 'waits']) await register(id, { capabilities: ['offered'] });
    const first = await submit({ model: 'offered' });
    await available('asks');
    await coordinator.restart({ seconds: 1 });
    expect(await claims('waits')).toEqual([]);
    await coordinator.pass({ seconds: 4 });
    expect((await claim(first.job_id, 'waits')).status).toBe('running');
  });

  test('its name and its key are the same, and receipts of both times verify', async () => {
    const before = await complete(await running('before'), 'before');
    await coordinator.restart();
    const after = await complete(await running('after'), 'after');
    const { keys } = (await coordinator.call<PublicKeys>('GET', '/v1/keys')).body;
    expect(keys).toHaveLength(1);
    expect(after.coordinator_id).toBe(before.coordinator_id);
    for (const receipt of [before, after]) expect((await verifyReceipt(receipt, { keys })).valid).toBe(true);
  });

  test('the anonymous account and API keys own what they owned', async () => {
    const key = await coordinator.key('client');
    const { job_id } = await actions(coordinator, key).submit();
    const anonymous = await submit();
    await coordinator.restart();
    expect((await job(anonymous.job_id)).job_id).toBe(anonymous.job_id);
    expect((await actions(coordinator, key).job(job_id)).job_id).toBe(job_id);
    expect(refusal(await coordinator.call('GET', `/v1/jobs/${job_id}`))).toEqual([404, 'JOB_NOT_FOUND']);
  });

  test('clients keep their turns', async () => {
    for (let count = 0; count < 5; count++) await submit({ model: 'turns', prompt: 'first' });
    await register('turns', { capabilities: ['turns'] });
    await claims('turns');
    await coordinator.restart();
    await actions(coordinator, await coordinator.key('client')).submit({ model: 'turns', prompt: 'second' });
    const next = [...(await claims('turns')), ...(await claims('turns'))];
    expect(next.map(({ prompt }) => prompt)).toContain('second');
  });
});

describeEachEngine('a coordinator that stops', engine => {
  const coordinator = withCoordinator(engine);
  const { submit, register } = actions(coordinator);

  test('answers miners and clients that wait with what there is', async () => {
    await register('waits');
    const { job_id } = await submit({ model: 'other' });
    const waiting = Promise.all([
      coordinator.call('POST', '/v1/miners/waits/claims', { wait: 20 }),
      coordinator.call('GET', '/v1/jobs/available?miner_id=waits&wait=20'),
      coordinator.call('GET', `/v1/jobs/${job_id}?wait=20`),
    ]);
    // Answered after the waiting requests have reached the coordinator.
    await submit({ model: 'other' });
    await coordinator.restart();
    const [claims, offer, job] = await waiting;
    expect([claims.body, offer.body]).toEqual([{ jobs: [] }, null]);
    expect(job.body).toMatchObject({ job_id, status: 'pending' });
  });
});
