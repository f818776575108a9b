import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Account, ClaimedJobs, JobPreview, SubmitJob } from '@aitbc/protocol';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { actions, startTestCoordinator, type TestCoordinator } from '../harness/coordinator.ts';
import { createMigratedDatabase, postgresAt } from '../harness/engines.ts';

let data: string;
/** Two coordinators on one database, whose clocks only move together. */
let a: TestCoordinator;
let b: TestCoordinator;

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'aitbc-routing-'));
  const engine = postgresAt(await createMigratedDatabase());
  const options = { data, retryBackoffSeconds: 0, modelAliases: { quick: 'aliased' } };
  a = await startTestCoordinator(engine, options);
  b = await startTestCoordinator(engine, options);
});
afterAll(async () => {
  for (const coordinator of [a, b]) await coordinator.stop();
  await rm(data, { recursive: true, force: true });
});

const asked = (model: string, more: Partial<SubmitJob> = {}) => ({ prompt: 'Hello', model, ...more });

/** Waits until a coordinator knows of so many live miners that can run this job. */
async function knows(coordinator: TestCoordinator, job: object, miners: number): Promise<void> {
  const eligible = async () => {
    const answer = await coordinator.call<JobPreview>('POST', '/v1/jobs', { ...job, dry_run: true });
    return answer.body.queue.eligible_miners;
  };
  await vi.waitUntil(async () => (await eligible()) === miners, { timeout: 60_000 });
}

/** Registers miners of one slot at a coordinator, and waits until the other one knows them. */
async function offer(at: TestCoordinator, model: string, ...ids: string[]): Promise<void> {
  for (const id of ids) await actions(at).register(id, { capabilities: [model], concurrency: 1 });
  await knows(at === a ? b : a, asked(model), ids.length);
}

/** An account with a key that may submit jobs and register miners. */
async function newOwner() {
  const key = await a.key('client', 'miner');
  const { body } = await a.call<Account>('GET', '/v1/account', undefined, { key });
  return { address: body.address, at: (coordinator: TestCoordinator) => actions(coordinator, key) };
}

const waitFor = (coordinator: TestCoordinator, miner: string) =>
  coordinator.call<ClaimedJobs>('POST', `/v1/miners/${miner}/claims`, { wait: 60 });

describe('whichever of two coordinators is asked', () => {
  test('an alias is its model', async () => {
    await offer(a, 'aliased', 'aliased-1');
    const { job_id } = await actions(b).submit(asked('quick'));
    expect(await actions(a).claims('aliased-1')).toMatchObject([{ job_id, model: 'aliased' }]);
  });

  test('only chosen miners and owners get a job', async () => {
    await offer(a, 'chosen', 'chosen-1', 'chosen-2');
    const { job_id } = await actions(b).submit(
      asked('chosen', { constraints: { miners: { only: ['chosen-2'] } } }),
    );
    for (const other of [a, b]) expect(await actions(other).claims('chosen-1')).toEqual([]);
    expect(await actions(b).claims('chosen-2')).toMatchObject([{ job_id }]);

    const owner = await newOwner();
    await owner.at(b).register('chosen-3', { capabilities: ['chosen'] });
    const constraints = { owners: { only: [owner.address] } };
    await knows(a, asked('chosen', { constraints }), 1);
    const theirs = await actions(a).submit(asked('chosen', { constraints }));
    for (const other of [a, b]) expect(await actions(other).claims('chosen-1')).toEqual([]);
    expect(await owner.at(a).claims('chosen-3')).toMatchObject([{ job_id: theirs.job_id }]);
  });

  test('a preferred miner goes first, even if it waits at the other one', async () => {
    await offer(a, 'first', 'first-1', 'first-2');
    const preferring = asked('first', { constraints: { miners: { first: ['first-2'] } } });
    const kept = await actions(b).submit(preferring);
    for (const other of [a, b]) expect(await actions(other).claims('first-1')).toEqual([]);
    expect(await actions(b).claims('first-2')).toMatchObject([{ job_id: kept.job_id }]);
    await actions(a).complete(kept.job_id, 'first-2');

    const preferred = waitFor(b, 'first-2');
    const { job_id } = await actions(a).submit(preferring);
    expect((await preferred).body.jobs).toMatchObject([{ job_id }]);
  });

  test('a client’s own machine goes first', async () => {
    const owner = await newOwner();
    await offer(a, 'own', 'others');
    await owner.at(b).register('own-1', { capabilities: ['own'], concurrency: 1 });
    await knows(a, asked('own'), 2);
    const { job_id } = await owner.at(a).submit(asked('own'));
    for (const other of [a, b]) expect(await actions(other).claims('others')).toEqual([]);
    expect(await owner.at(a).claims('own-1')).toMatchObject([{ job_id }]);
    const second = await owner.at(b).submit(asked('own'));
    expect(await actions(a).claims('others')).toMatchObject([{ job_id: second.job_id }]);
  });

  test('a job falls back once, though both look for jobs that wait too long', async () => {
    for (const model of ['slow', 'fast', 'last']) await offer(a, model, `${model}-1`);
    const { job_id } = await actions(a).submit(asked('slow', { models: ['fast', 'last'] }));
    for (const coordinator of [a, b]) coordinator.moveClock({ seconds: 10 });
    await Promise.all([a, b].map(({ running }) => running.modules.submitting.fallBack()));
    for (const coordinator of [a, b])
      expect(await actions(coordinator).job(job_id)).toMatchObject({ status: 'pending', model: 'fast' });
    expect(await actions(b).claims('slow-1')).toEqual([]);
    expect(await actions(b).claims('fast-1')).toMatchObject([{ job_id, model: 'fast' }]);
    await actions(a).fail(job_id, 'fast-1', { retryable: false });
    expect(await actions(b).claims('last-1')).toMatchObject([{ job_id, model: 'last' }]);
  });

  test('a job is for the first of its models that is offered anywhere', async () => {
    await offer(b, 'offered', 'offered-1');
    const made = await actions(a).submit(asked('unoffered', { models: ['offered'] }));
    expect(made).toMatchObject({ model: 'offered', models: ['unoffered', 'offered'] });
  });

  test('a conversation goes on where it was read, whoever was told of that', async () => {
    const system = { role: 'system' as const, content: 'You answer in rhymes. '.repeat(100) };
    const say = (content: string) =>
      ({ model: 'talk', prompt: undefined, messages: [system, { role: 'user', content }] }) as object;
    await offer(a, 'talk', 'talk-1', 'talk-2');
    const begun = await actions(a).submit(say('Hello'));
    expect(await actions(b).claims('talk-2')).toMatchObject([{ job_id: begun.job_id }]);
    await actions(a).complete(begun.job_id, 'talk-2');
    // Commits reach the others in order: who knows a later one knows of the claim.
    await actions(b).register('talk-3', { capabilities: ['told'] });
    await knows(a, asked('told'), 1);
    for (const coordinator of [a, b]) {
      const turn = await actions(coordinator).submit(say('And now?'));
      for (const other of [a, b]) expect(await actions(other).claims('talk-1')).toEqual([]);
      expect(await actions(a).claims('talk-2')).toMatchObject([{ job_id: turn.job_id }]);
      await actions(b).complete(turn.job_id, 'talk-2');
    }
  });
});
