import type { Job, JobSummary } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { allPages, nextPage, refusal } from './harness/answers.ts';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';

describeEachEngine('reading a job', engine => {
  const coordinator = withCoordinator(engine);
  const { submit, cancel, register, claims, complete } = actions(coordinator);

  test('a completed job carries its result and how it came about', async () => {
    await register('reader', { capabilities: ['story'] });
    const { job_id } = await submit({ model: 'story' });
    await claims('reader');
    const receipt = await complete(job_id, 'reader', 'Once upon a time');
    const { body } = await coordinator.call<Job>('GET', `/v1/jobs/${job_id}`);
    const now = new Date(coordinator.now()).toISOString();
    expect(body).toMatchObject({
      status: 'completed',
      result: 'Once upon a time',
      miner_id: 'reader',
      attempts: 1,
      started_at: now,
      completed_at: now,
      receipt_id: receipt.receipt_id,
      queue: null,
    });
  });

  test.each([
    ['unknown', 'job-01kc0pq5w8e4z9k3v7t2m6n1rx'],
    ['no id at all', '%00'],
    ['encoded', 'job%2F..%2Fx'],
  ])('an id that is %s is not found', async (_, id) => {
    expect(refusal(await coordinator.call('GET', `/v1/jobs/${id}`))).toEqual([404, 'JOB_NOT_FOUND']);
  });

  test("another client's job is as if it were not there", async () => {
    const [ours, theirs] = [await coordinator.key('client'), await coordinator.key('client')];
    const { job_id } = await actions(coordinator, ours).submit();
    const read = (key?: string) =>
      coordinator.call('GET', `/v1/jobs/${job_id}`, undefined, key === undefined ? {} : { key });
    expect((await read(ours)).status).toBe(200);
    expect(refusal(await read(theirs))).toEqual([404, 'JOB_NOT_FOUND']);
    expect(refusal(await read())).toEqual([404, 'JOB_NOT_FOUND']);
  });

  test('an administrator reads every job', async () => {
    const { job_id } = await actions(coordinator, await coordinator.key('client')).submit();
    const key = await coordinator.key('admin');
    expect((await coordinator.call('GET', `/v1/jobs/${job_id}`, undefined, { key })).status).toBe(200);
  });

  test('a wait is answered when the job ends', async () => {
    const { job_id } = await submit({ model: 'nobody-runs-this' });
    const waiting = coordinator.call<Job>('GET', `/v1/jobs/${job_id}?wait=20`);
    await cancel(job_id);
    expect((await waiting).body.status).toBe('cancelled');
  });

  test('a wait for a job that has ended is answered at once', async () => {
    const { job_id } = await submit();
    await cancel(job_id);
    const { body } = await coordinator.call<Job>('GET', `/v1/jobs/${job_id}?wait=20`);
    expect(body.status).toBe('cancelled');
  });

  test('a wait that ends before the job does answers the job as it is', async () => {
    const { job_id } = await submit({ model: 'nobody-runs-this' });
    const { body } = await coordinator.call<Job>('GET', `/v1/jobs/${job_id}?wait=0.01`);
    expect(body.status).toBe('pending');
  });

  test('a wait for a job of nobody is not found at once', async () => {
    expect((await coordinator.call('GET', '/v1/jobs/nothing?wait=20')).status).toBe(404);
  });

  test.each(['-1', 'soon', ''])('a wait of "%s" is refused', async wait => {
    const { status } = await coordinator.call('GET', `/v1/jobs/any?wait=${wait}`);
    expect(status).toBe(400);
  });

  test('a submission may wait for the end of its job', async () => {
    await register('waited-for', { capabilities: ['prefer'] });
    const submission = coordinator.call<Job>(
      'POST',
      '/v1/jobs',
      { prompt: 'Hello', model: 'prefer' },
      { headers: { prefer: 'respond-async, wait=20' } },
    );
    const answer = await coordinator.call<{ jobs: Job[] }>('POST', '/v1/miners/waited-for/claims', {
      wait: 20,
    });
    await complete(answer.body.jobs[0]?.job_id ?? '', 'waited-for', 'Hello, you!');
    const { status, headers, body } = await submission;
    expect(status).toBe(201);
    expect(headers.get('preference-applied')).toBe('wait=20');
    expect(body.result).toBe('Hello, you!');
  });
});

describeEachEngine('listing jobs', engine => {
  const coordinator = withCoordinator(engine);
  const list = (query: string, key: string) =>
    coordinator.call<JobSummary[]>('GET', `/v1/jobs${query}`, undefined, { key });

  test('lists one’s own, newest first, without their texts', async () => {
    const key = await coordinator.key('client');
    const { submit } = actions(coordinator, key);
    const ids = [];
    for (const prompt of ['a', 'b', 'c']) ids.unshift((await submit({ prompt })).job_id);
    await actions(coordinator, await coordinator.key('client')).submit();
    const { body } = await list('', key);
    expect(body.map(job => job.job_id)).toEqual(ids);
    for (const job of body)
      for (const text of ['prompt', 'result', 'salt']) expect(job).not.toHaveProperty(text);
  });

  test('filters by status and by model', async () => {
    const key = await coordinator.key('client');
    const { submit, cancel } = actions(coordinator, key);
    const cancelled = await submit({ model: 'a' });
    const pending = await submit({ model: 'a' });
    const other = await submit({ model: 'b' });
    await cancel(cancelled.job_id);
    const ids = async (query: string) => (await list(query, key)).body.map(job => job.job_id);
    expect(await ids('?status=cancelled')).toEqual([cancelled.job_id]);
    expect(await ids('?model=a')).toEqual([pending.job_id, cancelled.job_id]);
    expect(await ids('?model=b&status=pending')).toEqual([other.job_id]);
    expect(await ids('?model=c')).toEqual([]);
  });

  test('pages lead to the end without gap or repeat, whatever arrives or ends meanwhile', async () => {
    const key = await coordinator.key('client');
    const { submit, cancel } = actions(coordinator, key);
    const ids: string[] = [];
    for (let count = 0; count < 17; count++) ids.unshift((await submit()).job_id);
    let ended = 0;
    const pages = await allPages<JobSummary>(coordinator, '/v1/jobs?limit=5', { key }, async () => {
      await submit({ prompt: 'Late' });
      await cancel(ids[ended] ?? '');
      ended += 4;
    });
    expect(pages.map(page => page.length)).toEqual([5, 5, 5, 2]);
    expect(pages.flat().map(job => job.job_id)).toEqual(ids);
  });

  test('an administrator lists its own jobs, and those of all accounts where it asks for all', async () => {
    const [admin, one, other] = [
      await coordinator.key('admin', 'client'),
      await coordinator.key('client'),
      await coordinator.key('client'),
    ];
    const model = 'everyone';
    const ids: string[] = [];
    for (const key of [one, other, admin]) {
      const params = { temperature: 0, seed: 1 };
      ids.unshift((await actions(coordinator, key).submit({ model, replication: 2, params })).job_id);
    }
    const own = await list(`?model=${model}`, admin);
    expect(own.body.map(job => job.job_id)).toEqual(ids.slice(0, 1));
    const pages = await allPages<JobSummary>(coordinator, `/v1/jobs?all=true&limit=2&model=${model}`, {
      key: admin,
    });
    expect(pages.flat().map(job => job.job_id)).toEqual(ids);
    expect(pages[0]).toHaveLength(2);
    expect((await list(`?all=true&model=${model}&status=failed`, admin)).body).toEqual([]);
    expect((await list(`?all=false&model=${model}`, one)).body).toHaveLength(1);
    expect(refusal(await list('?all=true', one))).toEqual([403, 'AUTH_INSUFFICIENT_SCOPE', 'all']);
    expect(refusal(await list('?all=1', admin))).toEqual([400, 'VALIDATION_INVALID_TYPE', 'all']);
  });

  test('the link keeps the filters', async () => {
    const key = await coordinator.key('client');
    const { submit } = actions(coordinator, key);
    for (let count = 0; count < 3; count++) await submit({ model: 'org/m:7b' });
    const path = '/v1/jobs?limit=2&model=org%2Fm%3A7b&status=pending';
    const answer = await list(path.slice('/v1/jobs'.length), key);
    const next = new URLSearchParams(nextPage(answer, path)?.split('?')[1]);
    expect(Object.fromEntries(next)).toMatchObject({ limit: '2', model: 'org/m:7b', status: 'pending' });
  });

  test('a page that is not full is the last', async () => {
    const key = await coordinator.key('client');
    await actions(coordinator, key).submit();
    expect((await list('?limit=2', key)).headers.get('link')).toBeNull();
  });

  test('a page has twenty jobs unless asked', async () => {
    const key = await coordinator.key('client');
    const jobs = Array.from({ length: 21 }, () => ({ prompt: 'Hello', model: 'm' }));
    await coordinator.call('POST', '/v1/jobs/batch', { jobs }, { key });
    expect((await list('', key)).body).toHaveLength(20);
  });

  test.each([
    ['limit=0', ['VALIDATION_OUT_OF_RANGE', 'limit']],
    ['limit=101', ['VALIDATION_OUT_OF_RANGE', 'limit']],
    ['limit=ten', ['VALIDATION_INVALID_TYPE', 'limit']],
    ['limit=1&limit=2', ['VALIDATION_INVALID_TYPE', 'limit']],
    ['status=done', ['VALIDATION_INVALID_FORMAT', 'status']],
    ['cursor=nonsense', ['VALIDATION_INVALID_FORMAT', 'cursor']],
    ['cursor=', ['VALIDATION_INVALID_FORMAT', 'cursor']],
  ])('?%s is refused', async (query, expected) => {
    expect(refusal(await list(`?${query}`, await coordinator.key('client')))).toEqual([400, ...expected]);
  });
});
