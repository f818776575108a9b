import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { PostedChunks, PostedStreams, Problem } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { refusal } from './harness/answers.ts';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';
import { inShort, listenTo } from './harness/events.ts';

const LIMITS = { chunkLimit: 4096, streamLimit: 8192, streamChunks: 200 };

let names = 0;

describeEachEngine('posting chunks', engine => {
  const coordinator = withCoordinator(engine, { ...LIMITS, leaseSeconds: 100, jobTimeoutSeconds: 150 });
  const { submit, register, claims, complete, cancel } = actions(coordinator);

  async function running() {
    const miner = `m${++names}`;
    await register(miner, { capabilities: [miner] });
    const { job_id } = await submit({ model: miner, stream: true });
    await claims(miner);
    const path = `/v1/jobs/${job_id}/chunks`;
    const post = (first: number, chunks: string[], more: object = {}) =>
      coordinator.call<PostedChunks>('POST', path, { miner_id: miner, first, chunks, ...more });
    return { job_id, miner, path, post };
  }

  /** The text that a client gets to read now. */
  async function textOf(jobId: string) {
    await cancel(jobId);
    const told = await (await listenTo(coordinator.url, jobId)).until('end');
    return told.flatMap(event => (event.event === 'chunk' ? [event.data.text] : []));
  }

  test('answers which chunk comes next, and until when the job is leased', async () => {
    const { job_id, post } = await running();
    const after = (seconds: number) => new Date(coordinator.now() + seconds * 1000).toISOString();
    expect(await post(0, ['a', 'b'])).toMatchObject({
      status: 200,
      body: { job_id, next: 2, lease_expires_at: after(100), deadline: after(150) },
    });
  });

  test('twice adds nothing twice, in whichever portions', async () => {
    const { job_id, post } = await running();
    await post(0, ['a', 'b']);
    const again = await post(0, ['a', 'b']);
    const overlapping = await post(1, ['b', 'c', 'd']);
    expect([again, overlapping].map(({ body }) => body.next)).toEqual([2, 4]);
    expect(await textOf(job_id)).toEqual(['a', 'b', 'c', 'd']);
  });

  test('at once from several requests, each is there once and in its place', async () => {
    const { job_id, post } = await running();
    await Promise.all([post(0, ['a']), post(0, ['a', 'b']), post(0, ['a', 'b', 'c'])]);
    expect(await textOf(job_id)).toEqual(['a', 'b', 'c']);
  });

  test('of several jobs in one request are stored, but for those of a job with an error', async () => {
    const [one, other] = [await running(), await running()];
    await register(other.miner, { capabilities: [one.miner, other.miner] });
    const postAll = (miner: string, streams: object[]) =>
      coordinator.call<PostedStreams>('POST', `/v1/miners/${miner}/chunks`, { streams });
    const third = await submit({ model: one.miner, stream: true });
    await claims(other.miner, 2);
    const after = (seconds: number) => new Date(coordinator.now() + seconds * 1000).toISOString();
    const { status, body } = await postAll(other.miner, [
      { job_id: other.job_id, first: 0, chunks: ['a', { reasoning: 'b' }] },
      { job_id: one.job_id, first: 0, chunks: ['not its job'] },
      { job_id: third.job_id, first: 1, chunks: ['after a gap'] },
      { job_id: other.job_id, first: 2, chunks: ['c'] },
    ]);
    expect(status).toBe(200);
    const stored = { job_id: other.job_id, lease_expires_at: after(100), deadline: after(150) };
    expect(body.streams).toMatchObject([
      { ...stored, next: 2 },
      { job_id: one.job_id, error: { status: 409, error_code: 'JOB_NOT_LEASED' } },
      { job_id: third.job_id, error: { status: 400, error_code: 'VALIDATION_OUT_OF_RANGE', field: 'first' } },
      { ...stored, next: 3 },
    ]);
    expect(await textOf(other.job_id)).toEqual(['a', 'c']);
    const long = [{ job_id: one.job_id, first: 0, chunks: ['x'.repeat(5_000)] }];
    expect((await postAll(one.miner, long)).body.streams).toMatchObject([
      { error: { error_code: 'VALIDATION_OUT_OF_RANGE', field: 'chunks.0' } },
    ]);
    expect(refusal(await postAll(one.miner, []))).toEqual([400, 'VALIDATION_OUT_OF_RANGE', 'streams']);
    const stray = [{ job_id: one.job_id, first: 0, chunks: ['x'] }];
    expect(refusal(await postAll('nobody', stray))).toEqual([404, 'MINER_NOT_FOUND']);
  });

  test('with a gap is refused, and nothing of it is taken', async () => {
    const { job_id, post } = await running();
    await post(0, ['a']);
    expect(refusal(await post(2, ['c']))).toEqual([400, 'VALIDATION_OUT_OF_RANGE', 'first']);
    expect(await textOf(job_id)).toEqual(['a']);
  });

  test('of another attempt than the one that runs is refused', async () => {
    const { post } = await running();
    expect((await post(0, ['a'], { attempt: 1 })).status).toBe(200);
    expect(refusal(await post(1, ['b'], { attempt: 2 }))).toEqual([409, 'JOB_NOT_LEASED']);
  });

  test('none tells where the stream stands', async () => {
    const { post } = await running();
    await post(0, ['a', 'b', 'c']);
    expect((await post(0, [])).body.next).toBe(3);
  });

  test('extends the lease as a heartbeat does, up to the deadline', async () => {
    const { job_id, post } = await running();
    await coordinator.pass({ seconds: 90 });
    await post(0, ['a']);
    await coordinator.pass({ seconds: 50 });
    expect(await coordinator.call('GET', `/v1/jobs/${job_id}`)).toMatchObject({
      body: { status: 'running' },
    });
    await post(1, ['b']);
    await coordinator.pass({ seconds: 10 });
    expect(refusal(await post(2, ['c']))).toEqual([409, 'JOB_NOT_LEASED']);
  });

  test('to a job that one does not hold is refused', async () => {
    const { path } = await running();
    await register('stranger');
    const post = (miner_id: string, at = path) =>
      coordinator.call('POST', at, { miner_id, first: 0, chunks: ['a'] });
    expect(refusal(await post('stranger'))).toEqual([409, 'JOB_NOT_LEASED']);
    expect(refusal(await post('unknown'))).toEqual([404, 'MINER_NOT_FOUND']);
    expect(refusal(await post('stranger', '/v1/jobs/job-none/chunks'))).toEqual([404, 'JOB_NOT_FOUND']);
    const pending = await submit({ model: 'nobody', stream: true });
    expect(refusal(await post('stranger', `/v1/jobs/${pending.job_id}/chunks`))).toEqual([
      409,
      'JOB_NOT_LEASED',
    ]);
  });

  test('to a completed job is refused', async () => {
    const { job_id, miner, post } = await running();
    await complete(job_id, miner);
    expect(refusal(await post(0, ['a']))).toEqual([409, 'JOB_ALREADY_COMPLETED']);
  });

  test.each<[string, object, (string | number)[]]>([
    [
      'a chunk that is too long',
      { chunks: ['a', 'ä'.repeat(2049)] },
      [400, 'VALIDATION_OUT_OF_RANGE', 'chunks.1'],
    ],
    ['an empty chunk', { chunks: [''] }, [400, 'VALIDATION_OUT_OF_RANGE', 'chunks.0']],
    ['a chunk that is no text', { chunks: [1] }, [400, 'VALIDATION_INVALID_TYPE', 'chunks.0']],
    [
      'more chunks than a request may have',
      { chunks: Array(1001).fill('a') },
      [400, 'VALIDATION_OUT_OF_RANGE', 'chunks'],
    ],
    [
      'more text than a stream may have',
      { chunks: Array(3).fill('x'.repeat(4000)) },
      [413, 'PAYLOAD_TOO_LARGE'],
    ],
    ['more chunks than a stream may have', { chunks: Array(201).fill('a') }, [413, 'PAYLOAD_TOO_LARGE']],
    ['a place before the first', { first: -1 }, [400, 'VALIDATION_OUT_OF_RANGE', 'first']],
    ['no place', { first: undefined }, [400, 'VALIDATION_MISSING_FIELD', 'first']],
    ['an attempt before the first', { attempt: 0 }, [400, 'VALIDATION_OUT_OF_RANGE', 'attempt']],
  ])('refuses %s, and takes nothing of it', async (_what, wrong, expected) => {
    const { job_id, post } = await running();
    expect(refusal(await post(0, ['a'], wrong))).toEqual(expected);
    expect(await textOf(job_id)).toEqual([]);
  });

  test('keeps text as it is, whatever it is', async () => {
    const { job_id, post } = await running();
    const texts = ['\n\n', 'data: x', '\u2028', '🙂', '\r', '"', '\\'];
    await post(0, texts);
    expect(await textOf(job_id)).toEqual(texts);
  });

  test('with half a character makes it one that can be shown', async () => {
    const { job_id, post } = await running();
    await post(0, ['\ud83d', 'x']);
    expect(await textOf(job_id)).toEqual(['\ufffd', 'x']);
  });

  /** One long request, whose lines are sent one by one. */
  function openRequest(path: string, query: string): ClientRequest {
    return request(`${coordinator.url}${path}?${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
    });
  }
  const line = (text: string) => `${JSON.stringify({ text })}\n`;

  async function answerOf(asked: ClientRequest): Promise<{ status: number; body: PostedChunks & Problem }> {
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    const text = (await response.toArray()).join('');
    return { status: response.statusCode ?? 0, body: JSON.parse(text) };
  }

  test('in one long request hands on each line when it comes', async () => {
    const { job_id, miner, path } = await running();
    const listener = await listenTo(coordinator.url, job_id);
    const asked = openRequest(path, `miner_id=${miner}&attempt=1`);
    const answer = answerOf(asked);
    for (const text of ['one', 'two\n', 'drei ♥']) {
      asked.write(line(text));
      expect((await listener.until('chunk')).at(-1)?.data).toMatchObject({ text });
    }
    asked.end();
    expect(await answer).toMatchObject({ status: 200, body: { job_id, next: 3 } });
    listener.disconnect();
  });

  test('in one long request may go on where another broke off', async () => {
    const { job_id, miner, path } = await running();
    const broken = openRequest(path, `miner_id=${miner}`);
    broken.on('error', () => {});
    const listener = await listenTo(coordinator.url, job_id);
    broken.write(`${line('a')}${line('b')}{"text": "c`);
    await listener.until('chunk');
    await listener.until('chunk');
    broken.destroy();
    const asked = openRequest(path, `miner_id=${miner}&first=1`);
    // The last line needs no end, and empty ones say nothing.
    asked.end(`${line('b')}\r\n\n{"text":"c"}`);
    expect((await answerOf(asked)).body.next).toBe(3);
    expect(inShort(await listener.until('chunk'))).toEqual(['"c"']);
    listener.disconnect();
  });

  test('in one long request ends at once with the job', async () => {
    const { job_id, miner, path } = await running();
    const listener = await listenTo(coordinator.url, job_id);
    const asked = openRequest(path, `miner_id=${miner}`);
    asked.on('error', () => {});
    const answer = answerOf(asked);
    asked.write(line('a'));
    await listener.until('chunk');
    await cancel(job_id);
    asked.write(line('b'));
    expect(await answer).toMatchObject({ status: 409, body: { error_code: 'JOB_ALREADY_CANCELLED' } });
    asked.destroy();
  });

  test.each<[string, string, string, number, string]>([
    ['without a miner', '', '', 400, 'VALIDATION_MISSING_FIELD'],
    ['of an unknown miner', 'miner_id=unknown', '', 404, 'MINER_NOT_FOUND'],
    ['with a line that is no JSON', 'miner_id=MINER', 'text\n', 400, 'VALIDATION_INVALID_FORMAT'],
    ['with a line without text', 'miner_id=MINER', '{}\n', 400, 'VALIDATION_INVALID_FORMAT'],
    [
      'with a chunk that is too long',
      'miner_id=MINER',
      line('x'.repeat(4097)),
      400,
      'VALIDATION_OUT_OF_RANGE',
    ],
    ['with an endless line', 'miner_id=MINER', 'x'.repeat(2 ** 21), 413, 'PAYLOAD_TOO_LARGE'],
  ])('in one long request %s is refused', async (_what, query, body, status, error_code) => {
    const { miner, path } = await running();
    const asked = openRequest(path, query.replace('MINER', miner));
    asked.on('error', () => {});
    asked.write(body);
    expect(await answerOf(asked)).toMatchObject({ status, body: { error_code } });
    asked.destroy();
  });

  test('as lines to another route is refused', async () => {
    const answer = await coordinator.call('POST', '/v1/jobs', '{}\n', {
      headers: { 'content-type': 'application/x-ndjson' },
    });
    expect(refusal(answer)).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
  });
});
