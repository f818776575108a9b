import { expect, test } from 'vitest';
import { withCoordinator } from './coordinator.ts';
import { engine } from './engine.ts';
import { mine } from './mining.ts';
import { clientOver } from './network.ts';

const coordinator = withCoordinator();

test('the miner waits for a coordinator that is not up yet', async () => {
  const { client } = coordinator;
  await coordinator.stop();
  const hand = engine('early');
  const miner = await mine({ client, backend: hand.backend });
  expect(await miner.when('disconnected')).toMatchObject({
    error: expect.stringContaining('No answer from'),
  });
  await coordinator.start();
  await miner.when('reconnected');
  expect(await miner.when('registered')).toMatchObject({ models: ['early'] });
});

test('when the coordinator goes away and returns, the miner goes on', async () => {
  const { client } = coordinator;
  const hand = engine('steady');
  const miner = await mine({ client, backend: hand.backend });
  await miner.when('registered');
  await coordinator.stop();
  await miner.when('disconnected');
  await coordinator.start();
  await miner.when('reconnected');
  const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'steady' });
  (await hand.next()).finish();
  expect(await client.jobs.wait(job_id)).toMatchObject({ status: 'completed', miner_id: miner.minerId });
});

test('the coordinator’s absence is reported once, however often the miner tries', async () => {
  await coordinator.stop();
  const triedOften = Promise.withResolvers<void>();
  let tries = 0;
  const client = clientOver(coordinator.url, /\/register$/, send => {
    if (++tries === 5) triedOften.resolve();
    return send();
  });
  const miner = await mine({ client, backend: engine('patient').backend });
  await triedOften.promise;
  await coordinator.start();
  await miner.when('registered');
  expect(miner.events.map(({ event }) => event)).toEqual(['disconnected', 'reconnected', 'registered']);
});

test('a result finished meanwhile is delivered', async () => {
  const { client } = coordinator;
  const hand = engine('delivered');
  const miner = await mine({ client, backend: hand.backend, concurrency: 2 });
  const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'delivered' });
  const { finish } = await hand.next();
  await coordinator.stop();
  await miner.when('disconnected');
  finish('worth keeping');
  await coordinator.start();
  await miner.when('job_completed');
  expect(await client.jobs.get(job_id)).toMatchObject({
    status: 'completed',
    result: 'worth keeping',
    attempts: 1,
  });
});

test('a miner stopped while the coordinator is away still ends', async () => {
  const { client } = coordinator;
  const hand = engine('alone');
  const miner = await mine({ client, backend: hand.backend, concurrency: 2, shutdownTimeout: 1 });
  const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'alone' });
  const { generation } = await hand.next();
  await coordinator.stop();
  await miner.when('disconnected');
  await miner.stop();
  expect(generation.signal.aborted).toBe(true);
  expect(miner.events).toContainEqual(expect.objectContaining({ event: 'job_lost', job_id }));
  expect(miner.events.at(-1)).toMatchObject({ event: 'stopped' });
  await coordinator.start();
});
