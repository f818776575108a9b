import { expect, test } from 'vitest';
import { BackendError } from '../src/index.ts';
import { withCoordinator } from './coordinator.ts';
import { engine } from './engine.ts';
import { mine } from './mining.ts';
import { clientOver, received } from './network.ts';

const coordinator = withCoordinator({ retryBackoffSeconds: 0 });

const hurried = withCoordinator({ retryBackoffSeconds: 0, jobTimeoutSeconds: 1 });

const away = new BackendError('The engine does not answer', { down: true });

test('an engine that goes away fails its job, and no more jobs are claimed until it is back', async () => {
  const { client } = coordinator;
  const hand = engine('flaky');
  const miner = await mine({ client, backend: hand.backend });
  const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'flaky' });
  const { fail } = await hand.next();
  hand.models = away;
  fail(away);
  expect(await miner.when('paused')).toEqual({ event: 'paused', error: 'The engine does not answer' });
  expect(await miner.when('job_failed')).toMatchObject({ job_id, retryable: true });
  expect(await client.jobs.get(job_id)).toMatchObject({ status: 'pending', attempts: 1 });
  hand.models = ['flaky'];
  await miner.when('resumed');
  (await hand.next()).finish();
  expect(await client.jobs.wait(job_id)).toMatchObject({ status: 'completed', attempts: 2 });
  // The miner drained itself for the pause, so it does not report being drained by somebody else.
  expect(miner.events.map(({ event }) => event)).not.toContain('drained');
});

test('a job that fails on its last attempt is not reported as waiting for another', async () => {
  const { client } = coordinator;
  const hand = engine('last-attempt');
  const miner = await mine({ client, backend: hand.backend });
  const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'last-attempt', max_attempts: 1 });
  (await hand.next()).fail(new Error('Out of memory'));
  expect(await miner.when('job_failed')).toMatchObject({ job_id, retryable: false });
  expect(await client.jobs.get(job_id)).toMatchObject({ status: 'failed', attempts: 1 });
});

test('an engine that fails a job and still answers a check goes on without a pause', async () => {
  const { client } = coordinator;
  const hand = engine('stumbling');
  const miner = await mine({ client, backend: hand.backend });
  const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'stumbling' });
  (await hand.next()).fail(new BackendError('It broke off', { down: true }));
  (await hand.next()).finish();
  expect(await client.jobs.wait(job_id)).toMatchObject({ status: 'completed', attempts: 2 });
  const names = miner.events.map(({ event }) => event);
  expect(names.filter(name => name === 'paused' || name === 'registered')).toEqual(['registered']);
});

test('an engine that hangs until the deadline is checked before the next claim', async () => {
  const { client } = hurried;
  const hand = engine('hanging');
  const miner = await mine({ client, backend: hand.backend });
  const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'hanging' });
  await hand.next();
  const { job_id: next } = await client.jobs.submit({ prompt: 'q', model: 'hanging' });
  hand.models = away;
  await miner.when('paused');
  await miner.when('job_failed');
  expect(await client.jobs.get(job_id)).toMatchObject({ status: 'pending', attempts: 1 });
  expect(await client.jobs.get(next)).toMatchObject({ status: 'pending', attempts: 0 });
});

test('a busy engine gets no jobs for as long as it asks, without a reported pause', async () => {
  const { client } = coordinator;
  const hand = engine('crowded');
  const miner = await mine({ client, backend: hand.backend });
  const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'crowded' });
  const busy = { failureClass: 'busy', retryAfterSeconds: 0.2 } as const;
  const asked = performance.now();
  (await hand.next()).fail(new BackendError('No room', busy));
  (await hand.next()).finish();
  expect(performance.now() - asked).toBeGreaterThan(190);
  expect(await client.jobs.wait(job_id)).toMatchObject({ status: 'completed', attempts: 2 });
  expect(miner.events.map(({ event }) => event)).not.toContain('paused');
});

test('while its engine is away, clients see that nobody can run their jobs', async () => {
  const { client, url } = coordinator;
  const hand = engine('watched');
  const drained = Promise.withResolvers<void>();
  const network = clientOver(url, /\/drain(\?|$)/, async send => {
    const whole = await received(await send());
    drained.resolve();
    return whole;
  });
  const miner = await mine({ client: network, backend: hand.backend, modelRefreshMs: 1 });
  await miner.when('registered');
  hand.models = away;
  await drained.promise;
  expect(await client.jobs.submit({ prompt: 'p', model: 'watched' })).toMatchObject({
    queue: { eligible_miners: 0 },
  });
  hand.models = ['watched'];
  await miner.when('resumed');
  expect(await client.miners.get(miner.minerId)).toMatchObject({ status: 'online' });
});

test('no jobs are claimed for an engine that is away, even when draining fails', async () => {
  const { client, url } = coordinator;
  const hand = engine('untold');
  const network = clientOver(url, /\/drain(\?|$)/, () => Promise.reject(new TypeError('terminated')));
  const miner = await mine({ client: network, backend: hand.backend, modelRefreshMs: 1 });
  await miner.when('registered');
  hand.models = away;
  await miner.when('paused');
  const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'untold' });
  expect(await client.jobs.get(job_id, { wait: 0.2 })).toMatchObject({ status: 'pending' });
  hand.models = ['untold'];
  (await hand.next()).finish();
  expect(await client.jobs.wait(job_id)).toMatchObject({ status: 'completed', attempts: 1 });
});

test('texts that the engine still finishes during a pause are delivered', async () => {
  const { client } = coordinator;
  const hand = engine('half');
  const miner = await mine({ client, backend: hand.backend, concurrency: 2 });
  const jobs = await client.jobs.submitBatch(['p', 'q'].map(prompt => ({ prompt, model: 'half' })));
  const [first, second] = [await hand.next(), await hand.next()];
  hand.models = away;
  first.fail(away);
  await miner.when('paused');
  second.finish();
  expect(await client.jobs.wait(jobs[1]?.job_id ?? '')).toMatchObject({ status: 'completed' });
});

test('added and removed models are registered', async () => {
  const { client } = coordinator;
  const hand = engine('first');
  const miner = await mine({ client, backend: hand.backend, modelRefreshMs: 1 });
  await miner.when('registered');
  hand.models = ['second', 'first'];
  expect(await miner.when('registered', 2)).toMatchObject({ models: ['first', 'second'] });
  hand.models = ['second'];
  expect(await miner.when('registered', 3)).toMatchObject({ models: ['second'] });
  expect(await client.miners.get(miner.minerId)).toMatchObject({ capabilities: ['second'] });
});

test('unchanged models are registered once', async () => {
  const { client } = coordinator;
  const hand = engine('lasting');
  const askedOften = Promise.withResolvers<void>();
  let asked = 0;
  const models = () => {
    if (++asked === 5) askedOften.resolve();
    return hand.backend.models();
  };
  const miner = await mine({ client, backend: { ...hand.backend, models }, modelRefreshMs: 1 });
  await askedOften.promise;
  expect(miner.events.map(({ event }) => event)).toEqual(['registered']);
});

test('the miner waits for an engine that has lost its last model', async () => {
  const { client } = coordinator;
  const hand = engine('only');
  const miner = await mine({ client, backend: hand.backend, modelRefreshMs: 1 });
  hand.models = [];
  expect(await miner.when('paused')).toMatchObject({ error: 'an engine by hand has no models yet' });
  hand.models = ['another'];
  await miner.when('resumed');
  expect(await client.miners.get(miner.minerId)).toMatchObject({
    status: 'online',
    capabilities: ['another'],
  });
});
