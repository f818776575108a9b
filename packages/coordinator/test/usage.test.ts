import type { EarningsRow, UsageRow } from '@aitbc/protocol';
import { parse } from 'csv-parse/sync';
import { beforeAll, expect, test } from 'vitest';
import { createKey } from '../src/index.ts';
import { allPages, refusal } from './harness/answers.ts';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';
import { makeKey } from './harness/keys.ts';

const DAY = 24 * 3600;

describeEachEngine('usage and earnings', engine => {
  const coordinator = withCoordinator(engine, { mode: 'keyed', usageDays: 40 });
  let client: Awaited<ReturnType<typeof makeKey>>;
  let second: Awaited<ReturnType<typeof makeKey>>;
  let miner: string;
  const read = async <Row = UsageRow>(path: string, key = client.key, accept = 'application/json') =>
    await coordinator.call<Row[]>('GET', path, undefined, { key, headers: { accept } });

  beforeAll(async () => {
    client = await makeKey(coordinator, ['client']);
    const { store } = coordinator.running.modules;
    second = await createKey(store, { ...client, id: 'key-second' });
    miner = await coordinator.key('miner');
    const owner = actions(coordinator, miner);
    await owner.register('runs', { capabilities: ['a', 'b'] });
    /** Runs jobs of a key with 10 tokens in and 5 out, for a second each. */
    async function run(key: string, model: string, count: number) {
      for (let index = 0; index < count; index++) await actions(coordinator, key).submit({ model });
      for (const { job_id } of await owner.claims('runs', count)) {
        coordinator.moveClock({ seconds: 1 });
        const usage = { prompt_tokens: 10, completion_tokens: 5 };
        const body = { miner_id: 'runs', result: 'Hello, you!', usage };
        await coordinator.call('POST', `/v1/jobs/${job_id}/complete`, body, { key: miner });
      }
    }
    await run(client.key, 'a', 2);
    await run(second.key, 'b', 1);
    const { job_id } = await actions(coordinator, client.key).submit({ model: 'a' });
    await actions(coordinator, client.key).cancel(job_id);
    const failing = await actions(coordinator, client.key).submit({ model: 'a', max_attempts: 1 });
    await owner.claim(failing.job_id, 'runs');
    await owner.fail(failing.job_id, 'runs');
    coordinator.moveClock({ seconds: DAY });
    await owner.heartbeat('runs');
    await run(client.key, 'a', 1);
  });

  test('are summed up by day, key and model', async () => {
    const { body } = await read('/v1/usage');
    const row = { key_id: client.id, model: 'a' };
    expect(body).toEqual([
      {
        ...{ day: '2026-01-24', ...row, jobs: 4, failed: 1, cancelled: 1 },
        ...{ tokens_in: expect.any(Number), tokens_out: expect.any(Number), credits: 0.03 },
      },
      expect.objectContaining({ day: '2026-01-24', key_id: second.id, model: 'b', jobs: 1, failed: 0 }),
      expect.objectContaining({ day: '2026-01-25', ...row, jobs: 1, failed: 0, cancelled: 0 }),
    ]);
    expect(body[0]?.tokens_in).toBeGreaterThan(0);
    const sums = (await read('/v1/usage?group_by=model')).body;
    expect(sums.map(({ model, jobs }) => [model, jobs])).toEqual([
      ['a', 5],
      ['b', 1],
    ]);
    const filtered = (await read(`/v1/usage?group_by=day&key=${second.id}&to=2026-01-24`)).body;
    expect(filtered).toEqual([expect.objectContaining({ day: '2026-01-24', jobs: 1 })]);
  });

  test('add up to what the ledger says', async () => {
    const balance = (key: string) =>
      coordinator.call<{ balance: number }>('GET', '/v1/account', undefined, { key });
    const total = (rows: { credits: number }[]) =>
      rows.reduce((sum, { credits }) => sum + credits * 1e6, 0) / 1e6;
    const used = await read('/v1/usage?group_by=day,model');
    expect(total(used.body)).toBeCloseTo(-(await balance(client.key)).body.balance, 6);
    const earned = await read<EarningsRow>('/v1/earnings', miner);
    expect(total(earned.body)).toBeCloseTo((await balance(miner)).body.balance, 6);
    expect(earned.body.map(({ day, miner_id, model, jobs }) => [day, miner_id, model, jobs])).toEqual([
      ['2026-01-24', 'runs', 'a', 2],
      ['2026-01-24', 'runs', 'b', 1],
      ['2026-01-25', 'runs', 'a', 1],
    ]);
  });

  test('come in pages, and as CSV', async () => {
    const pages = await allPages<UsageRow>(coordinator, '/v1/usage?limit=2', { key: client.key });
    expect(pages.map(page => page.length)).toEqual([2, 1]);
    expect(pages.flat()).toEqual((await read('/v1/usage')).body);
    const csv = (await read('/v1/usage?group_by=model', client.key, 'text/csv')).body as unknown as string;
    expect(parse(csv, { columns: true })).toEqual([
      expect.objectContaining({ model: 'a', jobs: '5' }),
      expect.objectContaining({ model: 'b', jobs: '1' }),
    ]);
  });

  test('are those of the own account; administrators see all, and whose they are', async () => {
    expect((await read('/v1/usage', miner)).body).toEqual([]);
    expect((await read('/v1/earnings')).body).toEqual([]);
    const path = `/v1/usage?account=${client.address}&group_by=account`;
    expect(refusal(await read(path, miner))).toEqual([403, 'AUTH_INSUFFICIENT_SCOPE', 'account']);
    const admin = await coordinator.key('admin');
    expect((await read(path, admin)).body).toEqual([
      expect.objectContaining({ account: client.address, jobs: 6 }),
    ]);
    expect((await read('/v1/usage?group_by=account', admin)).body).toHaveLength(1);
  });

  test.each([
    ['group_by=week', 'group_by'],
    ['from=yesterday', 'from'],
    ['from=2026-02-30', 'from'],
    ['from=2026-01-25&to=2026-01-24', 'from'],
    ['from=2024-01-01&to=2026-01-01', 'from'],
    ['cursor=WzFd', 'cursor'],
    ['limit=1001', 'limit'],
  ])('are refused for %s', async (query, field) => {
    const answer = await read(`/v1/usage?${query}`);
    expect([answer.status, refusal(answer)[2]]).toEqual([400, field]);
  });

  test('count a replicated job once, and what its runs cost', async () => {
    const { key } = await makeKey(coordinator, ['client']);
    await actions(coordinator, key).submit({
      model: 'r',
      replication: 3,
      params: { temperature: 0, seed: 1 },
    });
    for (const id of ['r1', 'r2', 'r3']) {
      const owner = actions(coordinator, await coordinator.key('miner'));
      await owner.register(id, { capabilities: ['r'] });
      const [run] = await owner.claims(id);
      coordinator.moveClock({ seconds: 1 });
      if (run) await owner.complete(run.job_id, id);
    }
    const { body } = await read('/v1/usage', key);
    const { balance } = (
      await coordinator.call<{ balance: number }>('GET', '/v1/account', undefined, { key })
    ).body;
    expect(body).toEqual([expect.objectContaining({ jobs: 1, failed: 0, credits: -balance })]);
  });

  test('are deleted after the days that the operator says', async () => {
    const { eraseUsage } = coordinator.running.modules.operations;
    const rows = async () => (await read('/v1/usage?from=2026-01-01&to=2026-03-30')).body.length;
    expect(await rows()).toBe(3);
    coordinator.moveClock({ seconds: 40 * DAY });
    await coordinator.running.modules.store.write(eraseUsage, undefined);
    expect(await rows()).toBe(1);
  });
});
