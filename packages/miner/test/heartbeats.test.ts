import { revokeKey } from '@aitbc/coordinator';
import { generateSigner } from '@aitbc/receipts';
import { CoordinatorClient } from '@aitbc/sdk';
import { describe, expect, test } from 'vitest';
import { withCoordinator } from './coordinator.ts';
import { engine } from './engine.ts';
import { mine } from './mining.ts';
import { clientOver, received } from './network.ts';

const coordinator = withCoordinator();

test('a cancelled job is stopped, and its engine too', async () => {
  const { client } = coordinator;
  const hand = engine('cancelled');
  const miner = await mine({ client, backend: hand.backend });
  const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'cancelled' });
  const { generation } = await hand.next();
  await client.jobs.cancel(job_id);
  expect(await miner.when('job_stopped')).toEqual({ event: 'job_stopped', job_id, reason: 'cancelled' });
  expect(generation.signal.aborted).toBe(true);
});

test('a result after the cancellation is discarded', async () => {
  const { client } = coordinator;
  const hand = engine('regretted');
  const miner = await mine({ client, backend: hand.backend });
  const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'regretted' });
  const { finish } = await hand.next();
  await client.jobs.cancel(job_id);
  finish();
  expect(await miner.when('job_stopped')).toMatchObject({ job_id });
  expect(await client.jobs.get(job_id)).toMatchObject({ status: 'cancelled', result: null });
});

test('a job in a lost claim answer is handed back and claimed again', async () => {
  const { client, url } = coordinator;
  const hand = engine('lost-answer');
  let lost = 0;
  const network = clientOver(url, /\/claims$/, async send => {
    const whole = await received(await send());
    if (lost === 0 && /job-/.test(await whole.clone().text())) throw new TypeError(`terminated ${++lost}`);
    return whole;
  });
  const miner = await mine({ client: network, backend: hand.backend });
  const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'lost-answer' });
  expect(await miner.when('job_released')).toMatchObject({ job_id });
  (await hand.next()).finish();
  expect(await client.jobs.wait(job_id)).toMatchObject({ status: 'completed', attempts: 1 });
});

test('a heartbeat reports the models in memory', async () => {
  const { client } = coordinator;
  const hand = engine('in-memory', 'on-disk');
  const backend = { ...hand.backend, loaded: async () => ['in-memory', 'a name that no job can have'] };
  const miner = await mine({ client, backend });
  await miner.when('registered');
  await expect
    .poll(async () => (await client.miners.get(miner.minerId)).models.map(({ loaded }) => loaded))
    .toEqual([true, false]);
});

test('an engine that does not report its loaded models does not delay heartbeats', async () => {
  const { client } = coordinator;
  const hand = engine('can-not-tell');
  const backend = { ...hand.backend, loaded: () => Promise.reject(new Error('no such route')) };
  const miner = await mine({ client, backend });
  const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'can-not-tell' });
  await hand.next();
  await client.jobs.cancel(job_id);
  expect(await miner.when('job_stopped')).toMatchObject({ job_id });
});

test('the miner registers again when the coordinator has forgotten it', async () => {
  const { client } = coordinator;
  const hand = engine('forgotten');
  const miner = await mine({ client, backend: hand.backend });
  await miner.when('registered');
  await client.miners.deregister(miner.minerId);
  await miner.when('registered', 2);
  const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'forgotten' });
  (await hand.next()).finish();
  expect(await client.jobs.wait(job_id)).toMatchObject({ status: 'completed' });
});

describe('long before the next heartbeat', () => {
  const unhurried = withCoordinator({ leaseSeconds: 120 });

  test('a job held before a restart is handed back at once and claimed again', {
    timeout: 10_000,
  }, async () => {
    const { client } = unhurried;
    const hand = engine('restarted');
    await client.miners.register({ miner_id: 'restarted', capabilities: ['restarted'] });
    const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'restarted' });
    await client.jobs.claim(job_id, 'restarted');
    const identity = { minerId: 'restarted', signer: await generateSigner() };
    const miner = await mine({ client, backend: hand.backend, identity });
    expect(await miner.when('job_released')).toMatchObject({
      job_id,
      reason: 'this miner does not run it',
    });
    (await hand.next()).finish();
    expect(await client.jobs.wait(job_id)).toMatchObject({ status: 'completed', attempts: 1 });
  });

  test('a claim that finds the miner forgotten registers it again', { timeout: 10_000 }, async () => {
    const { client } = unhurried;
    const hand = engine('unhurried');
    const miner = await mine({ client, backend: hand.backend });
    const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'unhurried' });
    const { finish } = await hand.next();
    await client.miners.deregister(miner.minerId);
    finish('nobody’s');
    expect(await miner.when('job_stopped')).toMatchObject({ job_id });
    (await hand.next()).finish('the right one');
    expect(await client.jobs.wait(job_id)).toMatchObject({ result: 'the right one', attempts: 1 });
  });
});

test('draining by an operator is reported', async () => {
  const { client } = coordinator;
  const miner = await mine({ client, backend: engine('drained').backend });
  await miner.when('registered');
  await client.miners.drain(miner.minerId);
  await miner.when('drained');
});

describe('a miner whose reputation is too low', () => {
  const demanding = withCoordinator({ minReputation: 0.89, mode: 'open' });

  test('reports the suspension, and the reinstatement by an administrator', async () => {
    const { url, client } = demanding;
    const hand = engine('failing');
    const miner = await mine({ client, backend: hand.backend });
    await client.jobs.submit({ prompt: 'p', model: 'failing', max_attempts: 1 });
    (await hand.next()).fail(new Error('Out of memory'));
    await miner.when('suspended');
    const { secret } = await demanding.key('admin');
    await new CoordinatorClient(url, { apiKey: secret }).miners.reinstate(miner.minerId);
    await miner.when('reinstated');
  });
});

describe('a key', () => {
  const keyed = withCoordinator({ mode: 'keyed', keyCacheSeconds: 0 });

  test('that is revoked ends the miner and its jobs', async () => {
    const { id, secret } = await keyed.key('client', 'miner');
    const client = new CoordinatorClient(keyed.url, { apiKey: secret });
    const hand = engine('revoked');
    const miner = await mine({ client, backend: hand.backend });
    await client.jobs.submit({ prompt: 'p', model: 'revoked' });
    const { generation } = await hand.next();
    await revokeKey(keyed.running.modules.store, id);
    await expect(miner.done).rejects.toThrow('AUTH_INVALID_KEY');
    expect(generation.signal.aborted).toBe(true);
    expect(miner.events.at(-1)).toMatchObject({ event: 'stopped' });
  });

  test('that is unknown ends the miner at once', async () => {
    const client = new CoordinatorClient(keyed.url, { apiKey: 'wrong' });
    const miner = await mine({ client, backend: engine('wrong-key').backend });
    await expect(miner.done).rejects.toThrow('AUTH_INVALID_KEY');
  });
});
