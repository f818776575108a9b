import type { ExplorerStats, NetworkStats, Overview, Problem, PublicModel } from '@aitbc/protocol';
import { CoordinatorClient } from '@aitbc/sdk';
import { expect, test, vi } from 'vitest';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine, describeOneEngine } from './harness/engines.ts';

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

describeEachEngine('the overview', engine => {
  const coordinator = withCoordinator(engine);
  const { submit, cancel, register, claims, complete, fail } = actions(coordinator);
  const overview = async () => (await coordinator.call<Overview>('GET', '/explorer/overview')).body;

  test('has rates of what happened between two looks', async () => {
    await register('gpu', { capabilities: ['a'], concurrency: 4 });
    expect((await overview()).rates).toEqual([]);
    const jobs = [];
    for (let count = 0; count < 8; count++) jobs.push((await submit({ model: 'a' })).job_id);
    await claims('gpu', 4);
    const [first = '', second = '', third = '', , fifth = ''] = jobs;
    for (const id of [first, second])
      await coordinator.call('POST', `/v1/jobs/${id}/complete`, {
        ...{ miner_id: 'gpu', result: 'Hello, you!' },
        usage: { prompt_tokens: 1, completion_tokens: 2 },
      });
    await fail(third, 'gpu', { retryable: false });
    await cancel(fifth);
    coordinator.moveClock({ seconds: 4 });
    const { rates, miners, queues, stats } = await overview();
    const time = new Date(coordinator.now()).toISOString();
    const rate = { submitted: 2, completed: 0.5, failed: 0.25, cancelled: 0.25, tokens: 1 };
    expect(rates).toEqual([{ time, ...rate }]);
    expect(miners).toEqual({ taking_jobs: 1, slots: 4, not_taking_jobs: 0, offline: 0 });
    expect(queues).toEqual([
      { model: 'a', pending: 3, running: 1, waiting_since: expect.any(String), miners: 1 },
    ]);
    expect(stats).toMatchObject({ pending_jobs: 3, total_receipts: 2 });
  });

  test('tells the percentiles of the time to the first token', async () => {
    coordinator.moveClock({ seconds: 4 });
    expect((await overview()).time_to_first_token_ms).toBeNull();
    await register('gpu', { capabilities: ['streamed'] });
    const { job_id } = await submit({ model: 'streamed', stream: true });
    await claims('gpu');
    coordinator.moveClock({ seconds: 0.5 });
    await coordinator.call('POST', `/v1/jobs/${job_id}/chunks`, {
      miner_id: 'gpu',
      first: 0,
      chunks: ['Hi'],
    });
    await complete(job_id, 'gpu', 'Hi');
    coordinator.moveClock({ seconds: 4 });
    const { p50, p99, count } = (await overview()).time_to_first_token_ms ?? { p50: 0, p99: 0, count: 0 };
    expect(count).toBe(1);
    for (const value of [p50, p99]) expect(Math.abs(value - 500)).toBeLessThan(120);
    const models = await coordinator.call<PublicModel[]>('GET', '/explorer/models');
    const streamed = models.body.find(({ model }) => model === 'streamed');
    expect(streamed?.first_token).toEqual({ p50: 500, p95: 500, p99: 500, count: 1 });
  });

  test('says which miners take no jobs', async () => {
    await register('draining', { capabilities: ['b'] });
    await coordinator.call('POST', '/v1/miners/draining/drain');
    coordinator.moveClock({ seconds: 4 });
    expect((await overview()).miners).toMatchObject({ taking_jobs: 1, not_taking_jobs: 1 });
    await coordinator.pass({ seconds: 90 });
    expect((await overview()).miners).toMatchObject({ taking_jobs: 0, not_taking_jobs: 0, offline: 2 });
  });

  test('is not sent again to who has it', async () => {
    const { headers } = await coordinator.call('GET', '/explorer/overview');
    const known = { headers: { 'if-none-match': headers.get('etag') ?? '' } };
    const ask = () => coordinator.call('GET', '/explorer/overview', undefined, known);
    expect((await ask()).status).toBe(304);
    await submit({ model: 'more' });
    coordinator.moveClock({ seconds: 4 });
    expect((await ask()).status).toBe(200);
  });

  test('shares pages among who accepts an older one, and sends none again to who has it', async () => {
    const ask = (headers: Record<string, string> = {}) =>
      coordinator.call<object[]>('GET', '/v1/miners?limit=100', undefined, { headers });
    const older = { 'cache-control': 'max-age=2' };
    const together = await Promise.all([ask(older), ask(older), ask()]);
    expect(new Set(together.map(({ headers }) => headers.get('etag'))).size).toBe(1);
    await register('shared', { capabilities: ['shared'] });
    const count = async (headers = {}) => (await ask(headers)).body.length;
    const before = together[0]?.body.length ?? 0;
    expect([await count(older), await count()]).toEqual([before, before + 1]);
    coordinator.moveClock({ seconds: 2 });
    expect(await count(older)).toBe(before + 1);
    const etag = (await ask()).headers.get('etag') ?? '';
    for (const headers of [older, {}]) {
      const { status, body } = await ask({ ...headers, 'if-none-match': etag });
      expect([status, body]).toEqual([304, '']);
    }
    const refused = () => coordinator.call('GET', '/v1/miners?limit=x', undefined, { headers: older });
    expect((await Promise.all([refused(), refused()])).map(({ status }) => status)).toEqual([400, 400]);
  });

  test('is told whole and then by what changes, to all who watch', async () => {
    const { overview: feed } = coordinator.running.modules.explorer;
    const client = new CoordinatorClient(coordinator.url);
    const stopping = new AbortController();
    const watching = [
      client.explorer.live({ signal: stopping.signal }),
      client.explorer.live({ signal: stopping.signal }),
    ];
    const firsts = await Promise.all(watching.map(one => one.next()));
    expect(firsts.map(({ value }) => value)).toEqual(Array(2).fill(await overview()));
    await register('gpu', { capabilities: ['a'] });
    const [job] = await claims('gpu');
    await complete(job?.job_id ?? '', 'gpu');
    await coordinator.publish();
    coordinator.moveClock({ seconds: 4 });
    await feed.step();
    const seconds = await Promise.all(watching.map(one => one.next()));
    expect(seconds.map(({ value }) => value)).toEqual(Array(2).fill(await overview()));
    stopping.abort();
    await Promise.allSettled(watching.map(one => one.next()));
  });
});

describeOneEngine('an overview that many watch', engine => {
  const coordinator = withCoordinator(engine, { maxViewers: 1 });

  test('turns away who is one too many, and takes them when somebody leaves', async () => {
    const stopping = new AbortController();
    const { signal } = stopping;
    const first = await fetch(`${coordinator.url}/explorer/live`, { signal });
    const reader = first.body?.getReader();
    await reader?.read();
    const watch = () => coordinator.call<Problem>('GET', '/explorer/live?seconds=0');
    expect(await watch()).toMatchObject({ status: 503, body: { error_code: 'SYSTEM_OVERLOADED' } });
    stopping.abort();
    await vi.waitFor(async () => expect((await watch()).status).toBe(200), { timeout: 10_000 });
  });
});
