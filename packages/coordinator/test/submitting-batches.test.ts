import type { Job, NetworkStats } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { refusal } from './harness/answers.ts';
import { type Answer, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';

const job = { prompt: 'Explain quantum computing', model: 'llama3.2' };
const jobIds = ({ body }: Answer<{ jobs: Job[] }>) => body.jobs.map(({ job_id }) => job_id);

describeEachEngine('submitting a batch', engine => {
  const coordinator = withCoordinator(engine);
  const submit = (body: unknown, headers: Record<string, string> = {}) =>
    coordinator.call<{ jobs: Job[] }>('POST', '/v1/jobs/batch', body, { headers });
  const totalJobs = async () => (await coordinator.call<NetworkStats>('GET', '/v1/stats')).body.total_jobs;

  test('a thousand jobs are answered in their order', async () => {
    const prompts = Array.from({ length: 1000 }, (_, index) => `Prompt ${index}`);
    const { status, body } = await submit({ jobs: prompts.map(prompt => ({ ...job, prompt })) });
    expect(status).toBe(201);
    expect(body.jobs.map(({ prompt }) => prompt)).toEqual(prompts);
    expect(new Set(body.jobs.map(({ job_id }) => job_id)).size).toBe(1000);
  });

  test('single jobs are taken after it', async () => {
    await submit({ jobs: [job] });
    expect((await coordinator.call('POST', '/v1/jobs', job)).status).toBe(201);
  });

  test('one wrong job keeps out all', async () => {
    const before = await totalJobs();
    const jobs = Array.from({ length: 10 }, (_, index) => ({ ...job, ...(index === 7 && { priority: 99 }) }));
    expect(refusal(await submit({ jobs }))).toEqual([400, 'VALIDATION_OUT_OF_RANGE', 'jobs.7.priority']);
    expect(await totalJobs()).toBe(before);
  });

  test.each([
    ['no jobs', { jobs: [] }],
    ['1,001 jobs', { jobs: Array.from({ length: 1001 }, () => job) }],
  ])('a batch of %s is refused', async (_, body) => {
    expect(refusal(await submit(body))).toEqual([400, 'VALIDATION_OUT_OF_RANGE', 'jobs']);
  });

  test('a batch may be larger than one job may', async () => {
    const large = { ...job, prompt: 'x'.repeat(200_000) };
    expect((await submit({ jobs: Array.from({ length: 8 }, () => large) })).status).toBe(201);
  });

  test('repeated with its idempotency key, it answers the same jobs in the same order', async () => {
    const jobs = [job, { ...job, priority: 1 }, job];
    const headers = { 'idempotency-key': 'batch' };
    const first = await submit({ jobs }, headers);
    const second = await submit({ jobs }, headers);
    expect(jobIds(second)).toEqual(jobIds(first));
  });
});

describeEachEngine('an idempotency key', engine => {
  const coordinator = withCoordinator(engine, { sweepSeconds: 1 });
  const submit = (body: unknown, idempotencyKey: string, key?: string) =>
    coordinator.call<Job>('POST', '/v1/jobs', body, {
      headers: { 'idempotency-key': idempotencyKey },
      ...(key !== undefined && { key }),
    });

  test('makes a repeated request answer the same job, and says so', async () => {
    const first = await submit(job, 'repeat');
    const second = await submit(job, 'repeat');
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    expect(second).toMatchObject({ status: 201, body: { job_id: first.body.job_id } });
    expect(second.headers.get('idempotent-replayed')).toBe('true');
  });

  test('holds for requests that come at once', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => submit(job, 'at once')));
    expect(new Set(answers.map(({ body }) => body.job_id)).size).toBe(1);
  });

  test('answers the job as it is now', async () => {
    const first = await submit(job, 'cancelled');
    await coordinator.call('POST', `/v1/jobs/${first.body.job_id}/cancel`);
    expect((await submit(job, 'cancelled')).body.status).toBe('cancelled');
  });

  test('takes no notice of the order of fields', async () => {
    const first = await submit({ prompt: 'a', model: 'm' }, 'order');
    const second = await submit({ model: 'm', prompt: 'a' }, 'order');
    expect(second.body.job_id).toBe(first.body.job_id);
  });

  test.each([
    ['prompt', { ...job, prompt: 'Another' }],
    ['metadata', { ...job, metadata: { a: 1 } }],
  ])('with another %s is a conflict', async (what, other) => {
    await submit(job, `conflict-${what}`);
    expect(refusal(await submit(other, `conflict-${what}`))).toEqual([409, 'IDEMPOTENCY_KEY_REUSED']);
  });

  test('is left free by a request that was refused', async () => {
    expect((await submit({ ...job, priority: 99 }, 'refused')).status).toBe(400);
    expect((await submit(job, 'refused')).status).toBe(201);
  });

  test('of another account is another key', async () => {
    const [ours, theirs] = [await coordinator.key('client'), await coordinator.key('client')];
    const first = await submit(job, 'shared', ours);
    const second = await submit({ ...job, prompt: 'Another' }, 'shared', theirs);
    expect(second.status).toBe(201);
    expect(second.body.job_id).not.toBe(first.body.job_id);
  });

  test('survives a restart', async () => {
    const first = await submit(job, 'restart');
    await coordinator.restart();
    expect((await submit(job, 'restart')).body.job_id).toBe(first.body.job_id);
  });

  test('is forgotten after a day', async () => {
    const first = await submit(job, 'expiry');
    await coordinator.pass({ seconds: 24 * 3600 });
    expect((await submit(job, 'expiry')).body.job_id).not.toBe(first.body.job_id);
  });

  test.each([
    ['empty', ''],
    ['longer than 255 characters', 'x'.repeat(256)],
  ])('that is %s is refused', async (_, key) => {
    expect(refusal(await submit(job, key))).toEqual([400, 'VALIDATION_OUT_OF_RANGE', 'idempotency-key']);
  });
});
