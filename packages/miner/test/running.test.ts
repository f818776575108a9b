import { roundCredits, verifyReceipt } from '@aitbc/receipts';
import { describe, expect, test } from 'vitest';
import { BackendError } from '../src/index.ts';
import { withCoordinator } from './coordinator.ts';
import { engine } from './engine.ts';
import { mine } from './mining.ts';

const coordinator = withCoordinator({ rate: 1_000, retryBackoffSeconds: 60 });

test('the miner registers itself and its engine’s models', async () => {
  const { client } = coordinator;
  const { backend } = engine('registered-b', 'registered-a');
  const gpuInfo = { name: 'NVIDIA RTX 4090', memory: '24564 MiB' };
  const miner = await mine({ client, backend, concurrency: 3, region: 'eu-west', gpuInfo });
  expect(await miner.when('registered')).toMatchObject({
    ...{
      miner_id: miner.minerId,
      models: ['registered-a', 'registered-b'],
      gpu: 'NVIDIA RTX 4090, 24564 MiB',
    },
  });
  expect(await client.miners.get(miner.minerId)).toMatchObject({
    ...{
      status: 'online',
      capabilities: ['registered-a', 'registered-b'],
      concurrency: 3,
      region: 'eu-west',
    },
    ...{ vram_gb: 24, public_key: expect.stringMatching(/^[\w-]{43}$/) },
  });
});

test('only the chosen models are offered', async () => {
  const { client } = coordinator;
  const miner = await mine({
    client,
    backend: engine('one', 'two', 'three').backend,
    models: ['two', 'four'],
  });
  expect(await miner.when('registered')).toMatchObject({ models: ['two'] });
});

test('a model with an unusable name is skipped and reported once', async () => {
  const { client } = coordinator;
  const hand = engine('fine', 'my model');
  const miner = await mine({ client, backend: hand.backend, modelRefreshMs: 1 });
  expect(await miner.when('registered')).toMatchObject({ models: ['fine'] });
  hand.models = ['fine', 'my model', 'new'];
  expect(await miner.when('registered', 2)).toMatchObject({ models: ['fine', 'new'] });
  expect(miner.events.filter(({ event }) => event === 'model_skipped')).toEqual([
    { event: 'model_skipped', model: 'my model' },
  ]);
});

test('an engine without models is an error at the start', async () => {
  const { client } = coordinator;
  await expect(mine({ client, backend: engine().backend })).rejects.toThrow('has no models yet');
  const models = ['there'];
  await expect(mine({ client, backend: engine('here').backend, models })).rejects.toThrow(
    'does not have there. It has here',
  );
  const away = engine();
  away.models = new BackendError('The engine is away', { down: true });
  await expect(mine({ client, backend: away.backend })).rejects.toBe(away.models);
});

test('a job reaches the engine as submitted, and the client gets the engine’s result', async () => {
  const { client } = coordinator;
  const { backend, next } = engine('plain');
  await mine({ client, backend });
  const { job_id } = await client.jobs.submit({
    prompt: 'Why?',
    model: 'plain',
    params: { max_tokens: 9, mirostat: 2 },
  });
  const { generation, finish } = await next();
  expect(generation).toMatchObject({
    model: 'plain',
    prompt: 'Why?',
    params: { max_tokens: 9, mirostat: 2 },
  });
  finish('Because.', { prompt_tokens: 3, completion_tokens: 2 });
  expect(await client.jobs.wait(job_id)).toMatchObject({
    ...{ status: 'completed', result: 'Because.', usage: { prompt_tokens: 3, completion_tokens: 2 } },
  });
});

test('the pieces of a text can be watched', async () => {
  const { client } = coordinator;
  const { backend, next } = engine('watched');
  const pieces: string[][] = [];
  const miner = await mine({ client, backend, onToken: (jobId, piece) => pieces.push([jobId, piece]) });
  const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'watched' });
  const { generation, finish } = await next();
  generation.onToken?.('Hel');
  generation.onToken?.('lo');
  finish('Hello');
  await miner.when('job_completed');
  expect(pieces).toEqual([
    [job_id, 'Hel'],
    [job_id, 'lo'],
  ]);
});

test('receipts have the miner’s signature', async () => {
  const { client } = coordinator;
  const { backend, next } = engine('signed');
  const miner = await mine({ client, backend });
  const { job_id } = await client.jobs.submit({ prompt: 'Grüße 🎉', model: 'signed' });
  (await next()).finish('Zurück 🎉');
  await miner.when('job_completed');
  const receipt = await client.jobs.receipt(job_id);
  const { public_key } = await client.miners.get(miner.minerId);
  expect(receipt.metadata).toMatchObject({ signatures: [{ key_id: public_key }] });
  expect(await verifyReceipt(receipt, { keys: await client.signingKeys.list() })).toMatchObject({
    valid: true,
  });
});

test('an incomplete character is replaced', async () => {
  const { client } = coordinator;
  const { backend, next } = engine('surrogate');
  await mine({ client, backend });
  const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'surrogate' });
  (await next()).finish('cut \ud83c');
  expect(await client.jobs.wait(job_id)).toMatchObject({ status: 'completed', result: 'cut \ufffd' });
});

test('the earnings of each job and in total are reported', async () => {
  const { client } = coordinator;
  const { backend, next } = engine('earning');
  const miner = await mine({ client, backend });
  const jobs = await client.jobs.submitBatch(['p', 'q'].map(prompt => ({ prompt, model: 'earning' })));
  (await next()).finish('a', { completion_tokens: 7 });
  (await next()).finish('b');
  const told = [await miner.when('job_completed', 1), await miner.when('job_completed', 2)];
  const receipts = await Promise.all(jobs.map(({ job_id }) => client.jobs.receipt(job_id)));
  const [first = 0, second = 0] = receipts.map(({ price }) => price);
  expect(first).toBeGreaterThan(0);
  expect(told).toMatchObject([
    { job_id: jobs[0]?.job_id, model: 'earning', tokens: 7, credits: first, total_credits: first },
    { job_id: jobs[1]?.job_id, tokens: null, credits: second, total_credits: roundCredits(first + second) },
  ]);
  expect(told.map(({ receipt_id }) => receipt_id)).toEqual(receipts.map(({ receipt_id }) => receipt_id));
});

test('no more jobs run at once than the concurrency', async () => {
  const { client } = coordinator;
  const hand = engine('crowded');
  const miner = await mine({ client, backend: hand.backend, concurrency: 3 });
  await client.jobs.submitBatch(Array.from({ length: 9 }, () => ({ prompt: 'p', model: 'crowded' })));
  const first = [await hand.next(), await hand.next(), await hand.next()];
  expect(await client.miners.get(miner.minerId)).toMatchObject({
    running: 3,
    workload: { runnable: [{ pending: 6 }] },
  });
  for (const { finish } of first) finish();
  for (let job = 4; job <= 9; job++) {
    const { finish } = await hand.next();
    expect(hand.running).toBeLessThanOrEqual(3);
    finish();
  }
  await miner.when('job_completed', 9);
});

describe('a miner that gets no jobs', () => {
  // The coordinator answers empty claims at once.
  const impatient = withCoordinator({ maxWaitSeconds: 0 });

  test('learns why', async () => {
    const { client } = impatient;
    await client.jobs.submit({ prompt: 'p', model: 'elsewhere' });
    const miner = await mine({ client, backend: engine('here').backend });
    expect(await miner.when('idle')).toEqual({
      event: 'idle',
      reason: 'It can run none of the pending jobs.',
      blocked: [{ reason: 'model', jobs: 1, detail: 'It does not offer the model elsewhere.' }],
    });
  });
});

test('the miner ends after maxJobs', async () => {
  const { client } = coordinator;
  const hand = engine('limited');
  const miner = await mine({ client, backend: hand.backend, concurrency: 5, maxJobs: 2 });
  const jobs = await client.jobs.submitBatch(
    Array.from({ length: 3 }, () => ({ prompt: 'p', model: 'limited' })),
  );
  (await hand.next()).finish();
  (await hand.next()).finish();
  await miner.done;
  expect(miner.events.at(-1)).toMatchObject({ event: 'stopped', completed: 2 });
  expect(await client.jobs.get(jobs[2]?.job_id ?? '')).toMatchObject({ status: 'pending', attempts: 0 });
  await expect(client.miners.get(miner.minerId)).rejects.toThrow('MINER_NOT_FOUND');
});

test.each([
  ['may do better elsewhere', new BackendError('The GPU fell off'), 'pending', 'broken'],
  [
    'can not be run',
    new BackendError('The prompt is too long', { failureClass: 'refused' }),
    'failed',
    'refused',
  ],
  ['met a bug of the engine', new TypeError('x is not a function'), 'pending', 'broken'],
] as const)('a job that %s is reported as failed', async (_, error, status, error_class) => {
  const { client } = coordinator;
  const model = `failing-${status}-${error.name}`;
  const { backend, next } = engine(model);
  const miner = await mine({ client, backend });
  const { job_id } = await client.jobs.submit({ prompt: 'p', model });
  (await next()).fail(error);
  expect(await miner.when('job_failed')).toEqual({
    event: 'job_failed',
    job_id,
    error: error.message,
    retryable: error_class === 'broken',
    error_class,
  });
  expect(await client.jobs.get(job_id)).toMatchObject({ status, attempts: 1 });
});

test('a result that the coordinator finds too large fails the job for good', async () => {
  const { client } = coordinator;
  const { backend, next } = engine('talkative');
  await mine({ client, backend });
  const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'talkative' });
  (await next()).finish('blah '.repeat(300_000));
  expect(await client.jobs.wait(job_id)).toMatchObject({
    ...{ status: 'failed', attempts: 1, error: { detail: 'The result is too large for the coordinator' } },
  });
});
