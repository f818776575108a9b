import { expect, test } from 'vitest';
import { faultOf, JobFailedError, JobTimeoutError, requireCompleted } from '../src/index.ts';
import { mineOne, register, withCoordinator } from './coordinator.ts';

const coordinator = withCoordinator();

test("the tutorial's submit is a pending job for llama3.2", async () => {
  const job = await coordinator.client.submitJob('Hello!');
  expect(job).toMatchObject({ status: 'pending', model: 'llama3.2', prompt: 'Hello!', params: {} });
});

test("the tutorial's model and parameters reach the job", async () => {
  const job = await coordinator.client.jobs.submit({
    prompt: 'Hello!',
    model: 'codellama',
    params: { max_tokens: 5, seed: 7 },
  });
  expect(job).toMatchObject({ model: 'codellama', params: { max_tokens: 5, seed: 7 } });
});

test('a job submitted as an object keeps all that was asked for', async () => {
  const asked = {
    prompt: 'Hello!',
    model: 'full',
    params: { temperature: 0.5 },
    priority: 3,
    max_attempts: 5,
    constraints: { min_vram_gb: 8, region: 'eu-west' },
    metadata: { order: 17 },
  };
  const { job_id } = await coordinator.client.jobs.submit(asked);
  expect(await coordinator.client.jobs.get(job_id)).toMatchObject(asked);
});

test('the same idempotency key with the same job is the same job', async () => {
  const job = { prompt: 'Hello!', model: 'idempotent' };
  const first = await coordinator.client.jobs.submit(job, { idempotencyKey: 'same' });
  const second = await coordinator.client.jobs.submit(job, { idempotencyKey: 'same' });
  expect(second.job_id).toBe(first.job_id);
});

test('the same idempotency key with another job is an error', async () => {
  const options = { idempotencyKey: 'reused' };
  await coordinator.client.jobs.submit({ prompt: 'one', model: 'idempotent' }, options);
  const second = coordinator.client.jobs.submit({ prompt: 'two', model: 'idempotent' }, options);
  await expect(second).rejects.toMatchObject({ status: 409, errorCode: 'IDEMPOTENCY_KEY_REUSED' });
});

test('a submit that waits answers with the result', async () => {
  const submitted = coordinator.client.jobs.submit({ prompt: 'p', model: 'submit-wait' }, { wait: 10 });
  await mineOne(coordinator.client, 'submit-wait', 'done');
  expect(await submitted).toMatchObject({ status: 'completed', result: 'done' });
});

test('a read that waits answers when the job ends', async () => {
  const { job_id } = await coordinator.client.jobs.submit({ prompt: 'p', model: 'get-wait' });
  const read = coordinator.client.jobs.get(job_id, { wait: 10 });
  await mineOne(coordinator.client, 'get-wait', 'done');
  expect(await read).toMatchObject({ status: 'completed', result: 'done' });
});

test('waiting for a job ends with its completion', async () => {
  const { job_id } = await coordinator.client.jobs.submit({ prompt: 'p', model: 'wait' });
  const waited = coordinator.client.jobs.wait(job_id, 10_000);
  await mineOne(coordinator.client, 'wait', 'done');
  expect(await waited).toMatchObject({ status: 'completed', result: 'done' });
});

test('waiting for a job ends with its failure, too', async () => {
  const { job_id } = await coordinator.client.jobs.submit({ prompt: 'p', model: 'wait-failed' });
  const minerId = await register(coordinator.client, 'wait-failed');
  await coordinator.client.jobs.claim(job_id, minerId);
  await coordinator.client.jobs.fail(job_id, { miner_id: minerId, error: 'out of memory', retryable: false });
  expect(await coordinator.client.jobs.wait(job_id)).toMatchObject({
    status: 'failed',
    error: { error_code: 'MINER_FAILED', detail: 'out of memory' },
  });
});

test('a failed job is an error with the failure’s class, the engine’s code and whose fault it was', async () => {
  const { job_id } = await coordinator.client.jobs.submit({ prompt: 'p', model: 'too-long' });
  const minerId = await register(coordinator.client, 'too-long');
  await coordinator.client.jobs.claim(job_id, minerId);
  await coordinator.client.jobs.fail(job_id, {
    ...{ miner_id: minerId, error: 'The prompt is too long' },
    ...{ error_class: 'refused', engine_code: 'context_length_exceeded' },
  });
  const job = await coordinator.client.jobs.wait(job_id);
  expect(() => requireCompleted(job)).toThrow(JobFailedError);
  expect(new JobFailedError(job)).toMatchObject({
    message: `${job_id}: The prompt is too long (JOB_REFUSED)`,
    errorCode: 'JOB_REFUSED',
    errorClass: 'refused',
    engineCode: 'context_length_exceeded',
    fault: 'request',
  });
  expect((['MINER_FAILED', 'MINERS_BUSY'] as const).map(error_code => faultOf({ error_code }))).toEqual([
    'miners',
    'nobody',
  ]);
});

test('waiting for a job that nobody runs ends with the timeout', async () => {
  const { job_id } = await coordinator.client.jobs.submit({ prompt: 'p', model: 'nobody-runs-this' });
  await expect(coordinator.client.jobs.wait(job_id, 100)).rejects.toThrow(JobTimeoutError);
});

test('waiting for a job that does not exist fails at once', async () => {
  await expect(coordinator.client.jobs.wait('job-none')).rejects.toMatchObject({
    errorCode: 'JOB_NOT_FOUND',
  });
});

test('iterating over a list crosses pages, newest first and with its filter kept', async () => {
  const jobs = await coordinator.client.jobs.submitBatch(
    Array.from({ length: 5 }, (_, index) => ({ prompt: `${index}`, model: 'listed' })),
  );
  const listed = await Array.fromAsync(coordinator.client.jobs.list({ model: 'listed', limit: 2 }));
  expect(listed.map(job => job.job_id)).toEqual(jobs.map(job => job.job_id).reverse());
});

test('a list is read page by page with cursors', async () => {
  const { client } = coordinator;
  const query = { model: 'paged', limit: 2 };
  await client.jobs.submitBatch(
    Array.from({ length: 3 }, (_, index) => ({ prompt: `${index}`, model: 'paged' })),
  );
  const first = await client.jobs.list(query).page();
  const second = await client.jobs.list({ ...query, cursor: first.cursor ?? 'none' }).page();
  expect([first.items.length, second.items.length, second.cursor]).toEqual([2, 1, null]);
});

test('a list of pages ends with the last one', async () => {
  await coordinator.client.jobs.submitBatch(
    Array.from({ length: 3 }, () => ({ prompt: 'p', model: 'pages' })),
  );
  const pages = await Array.fromAsync(coordinator.client.jobs.list({ model: 'pages', limit: 2 }).pages());
  expect(pages.map(page => page.items.length)).toEqual([2, 1]);
});

test('a job can be cancelled only once', async () => {
  const { job_id } = await coordinator.client.jobs.submit({ prompt: 'p', model: 'cancelled' });
  expect(await coordinator.client.jobs.cancel(job_id)).toMatchObject({ job_id, status: 'cancelled' });
  await expect(coordinator.client.jobs.cancel(job_id)).rejects.toMatchObject({
    errorCode: 'JOB_ALREADY_CANCELLED',
  });
});

test('a batch with more jobs than one request holds returns all of them in order', async () => {
  const prompts = Array.from({ length: 1_001 }, (_, index) => `prompt ${index}`);
  const jobs = await coordinator.client.jobs.submitBatch(prompts.map(prompt => ({ prompt, model: 'batch' })));
  expect(jobs.map(job => job.prompt)).toEqual(prompts);
});

test('a batch repeated with its idempotency key adds nothing', async () => {
  const batch = Array.from({ length: 1_001 }, (_, index) => ({ prompt: `${index}`, model: 'batch-again' }));
  const first = await coordinator.client.jobs.submitBatch(batch, { idempotencyKey: 'batch' });
  const second = await coordinator.client.jobs.submitBatch(batch, { idempotencyKey: 'batch' });
  expect(second.map(job => job.job_id)).toEqual(first.map(job => job.job_id));
});

test('a batch that stops midway reports the accepted jobs', async () => {
  const good = Array.from({ length: 1_000 }, (_, index) => ({ prompt: `${index}`, model: 'batch-bad' }));
  const batch = [...good, { prompt: '', model: 'batch-bad' }];
  const error = await coordinator.client.jobs
    .submitBatch(batch, { idempotencyKey: 'partial' })
    .catch(error => error);
  expect(error).toMatchObject({ name: 'PartialBatchError', idempotencyKey: 'partial' });
  expect(error.accepted).toHaveLength(1_000);
  expect(error.cause).toMatchObject({ status: 400 });
});

test('a parameter out of range is an error that names its field', async () => {
  const submitted = coordinator.client.jobs.submit({ prompt: 'p', model: 'm', params: { max_tokens: 0 } });
  await expect(submitted).rejects.toMatchObject({
    errorCode: 'VALIDATION_OUT_OF_RANGE',
    field: 'params.max_tokens',
    requestId: expect.any(String),
  });
});

test('an empty id is a TypeError, not a request', () => {
  expect(() => coordinator.client.jobs.get('')).toThrow(TypeError);
});
