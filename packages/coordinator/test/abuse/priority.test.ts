import type { Problem } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { actions, startTestCoordinator, withCoordinator } from '../harness/coordinator.ts';
import { describeOneEngine, sqlite } from '../harness/engines.ts';

describeOneEngine('A client that calls all its jobs urgent', engine => {
  const coordinator = withCoordinator(engine, { mode: 'keyed' });
  const submitWith = (key: string, priority: number, more: object = {}) =>
    coordinator.call<Problem>(
      'POST',
      '/v1/jobs',
      { prompt: 'Hi', model: 'urgent', priority, ...more },
      { key },
    );

  test('is refused where its key allows no priority, and gets nothing ahead of others', async () => {
    const key = await coordinator.key('client');
    expect(await submitWith(key, 1)).toMatchObject({
      status: 403,
      body: { error_code: 'AUTH_INSUFFICIENT_SCOPE', field: 'priority' },
    });
    const job = { prompt: 'Hi', model: 'urgent' };
    const jobs = [{ ...job }, { ...job, priority: 1 }];
    expect(await coordinator.call<Problem>('POST', '/v1/jobs/batch', { jobs }, { key })).toMatchObject({
      status: 403,
      body: { error_code: 'AUTH_INSUFFICIENT_SCOPE', field: 'jobs.1.priority' },
    });
    expect((await submitWith(key, 0)).status).toBe(201);
    expect((await submitWith(key, -5)).status).toBe(201);
    expect((await coordinator.call('GET', '/v1/jobs', undefined, { key })).body).toHaveLength(2);
  });

  test('may do so up to what its key allows, and an administrator up to the highest', async () => {
    const key = await coordinator.keyWith({ maxPriority: 7 }, 'client');
    expect((await submitWith(key, 7)).status).toBe(201);
    expect((await submitWith(key, 8)).status).toBe(403);
    expect((await submitWith(await coordinator.key('admin'), 10)).status).toBe(201);
  });

  test('leaves a tenth of the turns to those that wait below it', async () => {
    const urgent = actions(coordinator, await coordinator.keyWith({ maxPriority: 10 }, 'client'));
    const patient = actions(coordinator, await coordinator.key('client'));
    for (let index = 0; index < 40; index++)
      await urgent.submit({ model: 'shared', prompt: 'urgent', priority: 10 });
    for (const priority of [0, -10, 0, -10])
      await patient.submit({ model: 'shared', prompt: `${priority}`, priority });
    const miner = actions(coordinator, await coordinator.key('miner'));
    await miner.register('shared-miner', { capabilities: ['shared'] });
    const turns = (await miner.claims('shared-miner', 40)).map(job => job.prompt);
    expect(turns.flatMap((prompt, turn) => (prompt === 'urgent' ? [] : [turn + 1]))).toEqual([
      10, 20, 30, 40,
    ]);
    expect(turns.filter(prompt => prompt !== 'urgent').sort()).toEqual(['-10', '-10', '0', '0']);
  });
});

test('Where the operator leaves no share to lower priorities, they wait', async () => {
  const coordinator = await startTestCoordinator(sqlite, { lowPriorityShare: 0 });
  const { submit, register, claims } = actions(coordinator);
  for (let index = 0; index < 25; index++) await submit({ prompt: 'urgent', priority: 1 });
  await submit({ prompt: 'patient' });
  await register('m');
  expect((await claims('m', 25)).map(job => job.prompt)).not.toContain('patient');
  expect((await claims('m', 1)).map(job => job.prompt)).toEqual(['patient']);
  await coordinator.stop();
});
