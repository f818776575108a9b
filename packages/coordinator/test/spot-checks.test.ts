import type { Job, MinerDetail, NetworkStats, Receipt } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';
import { passportMiners, STATEMENT } from './harness/passports.ts';
import { violations } from './invariants/violations.ts';

const DETERMINISTIC = { params: { temperature: 0, seed: 1 } };

describeEachEngine('a spot check', engine => {
  const coordinator = withCoordinator(engine, { spotCheck: 1 });
  const { submit, job, register, claims, complete } = actions(coordinator);
  const comparisons = async (...ids: string[]) =>
    await Promise.all(
      ids.map(async id => {
        const { reputation } = (await coordinator.call<MinerDetail>('GET', `/v1/miners/${id}`)).body;
        return [Math.round(reputation.agreements), Math.round(reputation.disagreements)];
      }),
    );
  const sound = async () => expect(await violations(coordinator.running.modules.store.read)).toEqual([]);

  /** Miners of three owners. */
  async function miners(model: string) {
    const ids = ['a', 'b', 'c'].map(letter => `${model}-${letter}`) as [string, string, string];
    for (const id of ids) await register(id, { capabilities: [model] });
    return ids;
  }

  /** The miner claims what it may have, and hands in this result. */
  async function run(id: string, result = 'The answer'): Promise<Receipt> {
    const [claimed] = await claims(id);
    if (!claimed) throw new Error(`${id} got nothing`);
    return await complete(claimed.job_id, id, result);
  }

  test('of an honest miner is done by another one, and nothing more', async () => {
    const [a, b, c] = await miners('honest');
    await submit({ model: 'honest', prompt: 'Hello', metadata: { mine: true }, ...DETERMINISTIC });
    await run(a);
    expect(await claims(a)).toEqual([]);

    const [check] = await claims(b);
    expect(check).toMatchObject({ prompt: 'Hello', model: 'honest', ...DETERMINISTIC });
    await complete(check?.job_id ?? '', b, 'The answer');

    expect(await comparisons(a, b)).toEqual([
      [1, 0],
      [1, 0],
    ]);
    expect(await claims(c)).toEqual([]);
    await sound();
  });

  test('that contradicts is decided by a third one', async () => {
    const [a, b, c] = await miners('lies');
    await submit({ model: 'lies', ...DETERMINISTIC });
    await run(a, 'A lie');
    await run(b);
    expect(await comparisons(a, b)).toEqual([
      [0, 0],
      [0, 0],
    ]);
    await run(c);
    expect(await comparisons(a, b, c)).toEqual([
      [0, 1],
      [1, 0],
      [1, 0],
    ]);
    await sound();
  });

  test('is done by a miner with the same passport only', async () => {
    const { miner, claim, finish } = passportMiners(actions(coordinator));
    await miner('equal-a', 'equal');
    await miner('equal-b', 'equal', { ...STATEMENT, build: { value: 'b9', source: 'engine' } });
    await miner('equal-c', 'equal');
    await submit({ model: 'equal', ...DETERMINISTIC });
    const job = await claim('equal-a');
    if (!job) throw new Error('nothing to claim');
    await finish('equal-a', job);
    expect(await claim('equal-b')).toBeUndefined();
    expect(await claim('equal-c')).toMatchObject({ model: 'equal' });
  });

  test('blames nobody where all three contradict', async () => {
    const ids = await miners('chaos');
    await submit({ model: 'chaos', ...DETERMINISTIC });
    for (const id of ids) await run(id, `As ${id} sees it`);
    expect(await comparisons(...ids)).toEqual(Array(3).fill([0, 0]));
    await sound();
  });

  test('is seen by nobody: the job, its price, lists and counts are as without', async () => {
    const [a, b] = await miners('unseen');
    const before = (await coordinator.call<NetworkStats>('GET', '/v1/stats')).body;
    const { job_id } = await submit({ model: 'unseen', ...DETERMINISTIC });
    const receipt = await run(a);
    const completed = await job(job_id);
    const [check] = await claims(b);
    const paid = await complete(check?.job_id ?? '', b, 'The answer');

    expect(await job(job_id)).toEqual(completed);
    expect((await coordinator.call('GET', `/v1/jobs/${check?.job_id}`)).status).toBe(404);
    const { body: listed } = await coordinator.call<Job[]>('GET', '/v1/jobs?model=unseen');
    expect(listed.map(({ job_id }) => job_id)).toEqual([job_id]);
    const after = (await coordinator.call<NetworkStats>('GET', '/v1/stats')).body;
    expect(after.total_jobs - before.total_jobs).toBe(1);
    expect(paid.client).not.toBe(receipt.client);
  });

  test('leaves no text behind', async () => {
    const [a, b] = await miners('erased');
    await submit({ model: 'erased', ...DETERMINISTIC });
    await run(a);
    const [check] = await claims(b);
    await complete(check?.job_id ?? '', b, 'The answer');

    const { read } = coordinator.running.modules.store;
    const checks = read
      .selectFrom('job')
      .select('id')
      .where('model', '=', 'erased')
      .where('role', '=', 'run');
    for (const table of ['job_input', 'job_output'] as const)
      expect(await read.selectFrom(table).selectAll().where('job_id', 'in', checks).execute()).toEqual([]);
  });

  test('that nobody else can do is dropped', async () => {
    await register('alone', { capabilities: ['alone'] });
    await submit({ model: 'alone', ...DETERMINISTIC });
    await run('alone');
    expect(await claims('alone')).toEqual([]);
    await coordinator.pass({ seconds: 3601 });

    await register('late', { capabilities: ['alone'] });
    expect(await claims('late')).toEqual([]);
    expect(await comparisons('alone')).toEqual([[0, 0]]);
    await sound();
  });

  test.each([
    ['may differ each time', { params: { temperature: 1, seed: 1 } }],
    ['has no seed', { params: { temperature: 0 } }],
    ['is streamed', { ...DETERMINISTIC, stream: true }],
  ])('is not made of a job that %s', async (name, more) => {
    const model = name.replaceAll(' ', '-');
    const [a, b] = await miners(model);
    await submit({ model, ...more });
    await run(a);
    expect(await claims(b)).toEqual([]);
  });
});
