import type { ExplorerStats, NetworkStats } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';

describeEachEngine('the explorer', engine => {
  const coordinator = withCoordinator(engine, { sweepSeconds: 60 });
  const { submit, cancel, register, claims, complete, fail } = actions(coordinator);
  const stats = async () => (await coordinator.call<NetworkStats>('GET', '/v1/stats')).body;

  test('counts nothing before anything has happened', async () => {
    expect(new Set(Object.values(await stats()))).toEqual(new Set([0]));
  });

  test('counts jobs by status, miners and receipts', async () => {
    for (const id of ['online', 'draining', 'leaves']) await register(id, { capabilities: [id] });
    await coordinator.call('POST', '/v1/miners/draining/drain');
    await coordinator.call('DELETE', '/v1/miners/leaves');
    const jobs = [];
    for (let count = 0; count < 7; count++) jobs.push((await submit({ model: 'online' })).job_id);
    await claims('online', 4);
    const [first = '', second = '', third = '', , fifth = ''] = jobs;
    await complete(first, 'online');
    await fail(second, 'online', { retryable: false });
    for (const id of [third, fifth]) await cancel(id);
    await submit({ model: 'nobody', ttl_seconds: 1 });
    await coordinator.pass({ seconds: 1 });
    expect(await stats()).toEqual({
      total_jobs: 8,
      pending_jobs: 2,
      running_jobs: 1,
      completed_jobs: 1,
      failed_jobs: 2,
      cancelled_jobs: 2,
      total_miners: 2,
      active_miners: 2,
      total_receipts: 1,
      block_height: 0,
    });
    await coordinator.pass({ seconds: 90 });
    expect(await stats()).toMatchObject({ total_miners: 2, active_miners: 0 });
  });

  test('shows the same statistics as the API, and how they came about', async () => {
    const { body } = await coordinator.call<ExplorerStats>('GET', '/explorer/stats');
    const { hourly, daily, ...counts } = body;
    expect(counts).toEqual(await stats());
    expect([hourly.length, daily.length]).toEqual([48, 90]);
  });

  test('keeps count over a restart', async () => {
    const before = await stats();
    await coordinator.restart();
    expect(await stats()).toEqual(before);
  });
});
