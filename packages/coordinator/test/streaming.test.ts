import type { PostedChunks } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { refusal } from './harness/answers.ts';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';
import { inShort, listenTo } from './harness/events.ts';

let names = 0;

describeEachEngine('a stream', engine => {
  const coordinator = withCoordinator(engine, { leaseSeconds: 100, retryBackoffSeconds: 0 });
  const { submit, register, claims, complete, fail, cancel } = actions(coordinator);

  /** A job whose text is to be streamed, and the miners that can run it, of which the first does. */
  async function running({ stream = true, miners = 1 } = {}) {
    const model = `m${++names}`;
    const ids = Array.from({ length: miners }, (_, index) => `${model}-${index}`);
    for (const id of ids) await register(id, { capabilities: [model] });
    const { job_id } = await submit({ model, stream });
    await claims(ids[0] ?? '');
    const post = (first: number, chunks: string[], miner = ids[0], more: object = {}) =>
      coordinator.call<PostedChunks>('POST', `/v1/jobs/${job_id}/chunks`, {
        ...{ miner_id: miner, first, chunks },
        ...more,
      });
    return { job_id, miner: ids[0] ?? '', other: ids[1] ?? '', post };
  }
  const listen = (jobId: string, after?: string) => listenTo(coordinator.url, jobId, { after });
  const release = (jobId: string, miner: string) =>
    coordinator.call('POST', `/v1/jobs/${jobId}/release`, { miner_id: miner });

  test('tells of a job from its submission to its receipt', async () => {
    await register('whole', { capabilities: ['whole'] });
    const { job_id } = await submit({ model: 'whole', stream: true });
    const listener = await listen(job_id);
    expect(inShort(await listener.until('status'))).toEqual(['pending 0']);
    await claims('whole');
    expect(inShort(await listener.until('status'))).toEqual(['running 1']);
    const body = { miner_id: 'whole', first: 0, chunks: ['Hello, ', 'you!'] };
    await coordinator.call('POST', `/v1/jobs/${job_id}/chunks`, body);
    await listener.next();
    expect(await listener.next()).toMatchObject({
      event: 'chunk',
      data: { attempt: 1, index: 1, text: 'you!' },
    });
    const receipt = await complete(job_id, 'whole', 'Hello, you!');
    expect((await listener.until('end')).map(({ event, data }) => ({ event, data }))).toEqual([
      {
        event: 'status',
        data: { job_id, status: 'completed', attempt: 1, max_attempts: 3, miner_id: 'whole' },
      },
      { event: 'result', data: { result: 'Hello, you!', usage: null } },
      { event: 'receipt', data: receipt },
    ]);
  });

  test('is told to who comes late as to who was there', async () => {
    const { job_id, miner, post } = await running();
    await post(0, ['a', 'b']);
    await post(2, ['c']);
    await complete(job_id, miner, 'abc');
    const told = inShort(await (await listen(job_id)).until('end'));
    expect(told).toEqual(['running 1', '"a"', '"b"', '"c"', 'completed 1', 'result', 'receipt']);
  });

  test('goes on behind each event, with nothing twice and nothing missing', async () => {
    const { job_id, miner, post } = await running();
    for (const [index, text] of ['a', 'b', 'c', 'd'].entries()) await post(index, [text]);
    await complete(job_id, miner, 'abcd');
    const all = await (await listen(job_id)).until('end');
    for (const [index, { id }] of all.entries()) {
      expect(await (await listen(job_id, id)).until('end')).toEqual(all.slice(index + 1));
      const inQuery = await listenTo(coordinator.url, job_id, { after: id, inQuery: true });
      expect(await inQuery.until('end')).toEqual(all.slice(index + 1));
    }
  });

  test('that has told all answers 204, so that a browser connects no more', async () => {
    const { job_id, miner } = await running();
    await complete(job_id, miner);
    const last = (await (await listen(job_id)).until('end')).at(-1);
    expect((await listen(job_id, last?.id)).response.status).toBe(204);
  });

  test.each(['nonsense', 'running.1.2', 'running.1.0.-1', 'never.0.0.0'])(
    'refuses to go on behind %s',
    async after => {
      const { job_id } = await running();
      const answer = await coordinator.call('GET', `/v1/jobs/${job_id}/events`, undefined, {
        headers: { 'last-event-id': after },
      });
      expect(refusal(answer)).toEqual([400, 'VALIDATION_INVALID_FORMAT', 'last-event-id']);
    },
  );

  test('is what a browser and a proxy take for one', async () => {
    const { job_id } = await running();
    const { response, disconnect } = await listen(job_id);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(response.headers.get('cache-control')).toContain('no-cache');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    disconnect();
  });

  test('starts anew when another miner takes over, and says so', async () => {
    const { job_id, miner, other, post } = await running({ miners: 2 });
    const listener = await listen(job_id);
    await post(0, ['old ', 'text']);
    expect(inShort(await listener.until('chunk'))).toEqual(['running 1', '"old "']);
    await listener.next();
    await fail(job_id, miner);
    expect(inShort(await listener.until('status'))).toEqual(['pending 1']);
    await claims(other);
    await post(0, ['new'], other);
    await complete(job_id, other, 'new');
    expect(inShort(await listener.until('end'))).toEqual([
      ...['running 2', 'restart 2', '"new"'],
      ...['completed 2', 'result', 'receipt'],
    ]);
  });

  test('starts anew for who comes back after a takeover', async () => {
    const { job_id, miner, other, post } = await running({ miners: 2 });
    await post(0, ['old ', 'text']);
    const listener = await listen(job_id);
    const chunk = (await listener.until('chunk')).at(-1);
    listener.disconnect();
    await fail(job_id, miner);
    await claims(other);
    await post(0, ['new'], other);
    await complete(job_id, other, 'new');
    expect(inShort(await (await listen(job_id, chunk?.id)).until('end'))).toEqual([
      ...['running 2', 'restart 2', '"new"'],
      ...['completed 2', 'result', 'receipt'],
    ]);
  });

  test('starts anew after a release, though that does not count as an attempt', async () => {
    const { job_id, miner, post } = await running();
    await post(0, ['old']);
    const listener = await listen(job_id);
    await listener.until('chunk');
    await release(job_id, miner);
    await claims(miner);
    expect((await post(0, ['new'])).body.next).toBe(1);
    const told = inShort(await listener.until('chunk'));
    expect(told.slice(-3)).toEqual(['running 1', 'restart 1', '"new"']);
    listener.disconnect();
  });

  test('starts anew when a lease ran out, and refuses the miner that lost it', async () => {
    const { job_id, other, post } = await running({ miners: 2 });
    await post(0, ['old']);
    await coordinator.pass({ seconds: 100 });
    await claims(other);
    expect(refusal(await post(1, ['more']))).toEqual([409, 'JOB_NOT_LEASED']);
    await post(0, ['new'], other);
    const told = inShort(await (await listen(job_id)).until('chunk'));
    expect(told).toEqual(['running 2', '"new"']);
  });

  test('of a job that fails tells why', async () => {
    const { job_id, miner, post } = await running();
    await post(0, ['some']);
    await fail(job_id, miner, { retryable: false });
    const told = await (await listen(job_id)).until('end');
    expect(inShort(told)).toEqual(['running 1', '"some"', 'failed 1', 'error']);
    expect(told.at(-1)?.data).toEqual({ error_code: 'MINER_FAILED', detail: 'Out of memory' });
  });

  test('of a job that expires tells so', async () => {
    const { job_id } = await submit({ model: 'nobody', stream: true, ttl_seconds: 5 });
    const listener = await listen(job_id);
    await listener.until('status');
    await coordinator.pass({ seconds: 5 });
    const told = await listener.until('end');
    expect(told.at(-1)).toMatchObject({ event: 'error', data: { error_code: 'JOB_EXPIRED' } });
  });

  test('ends when the job is cancelled, and the miner learns it with its next chunk', async () => {
    const { job_id, post } = await running();
    const listener = await listen(job_id);
    await post(0, ['some']);
    await listener.until('chunk');
    await cancel(job_id);
    expect(inShort(await listener.until('end'))).toEqual(['cancelled 1']);
    expect(refusal(await post(1, ['more']))).toEqual([409, 'JOB_ALREADY_CANCELLED']);
  });

  test('is not there for jobs that did not ask for one: only what happens is told', async () => {
    const { job_id, miner, post } = await running({ stream: false });
    expect((await post(0, ['a', 'b'])).body).toMatchObject({ job_id, next: 2 });
    await complete(job_id, miner, 'ab');
    const told = inShort(await (await listen(job_id)).until('end'));
    expect(told).toEqual(['running 1', 'completed 1', 'result', 'receipt']);
  });

  test('of a job that did not ask for one tells of its start, too', async () => {
    await register('unasked', { capabilities: ['unasked'] });
    const { job_id } = await submit({ model: 'unasked' });
    const listener = await listen(job_id);
    await listener.until('status');
    await claims('unasked');
    expect(inShort(await listener.until('status'))).toEqual(['running 1']);
    listener.disconnect();
  });

  test('is said to be wanted to the miner that claims the job, and to nobody’s surprise to its client', async () => {
    await register('told', { capabilities: ['told'], concurrency: 2 });
    const jobs = [await submit({ model: 'told', stream: true }), await submit({ model: 'told' })];
    expect(jobs.map(job => job.stream)).toEqual([true, false]);
    expect((await claims('told', 2)).map(job => job.stream)).toEqual([true, false]);
  });
});
