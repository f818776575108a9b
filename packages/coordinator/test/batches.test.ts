import type { Batch, BatchPage } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { refusal } from './harness/answers.ts';
import { actions, type TestCoordinator, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine, describeOneEngine } from './harness/engines.ts';
import { begin, fileForm, makeGrant, newBatch, upload } from './harness/scenes.ts';

const HOURS = 3600;
const DAYS = 24 * HOURS;

interface ResultLine {
  id: string;
  custom_id: string | null;
  response: {
    status_code: number;
    request_id: string;
    body: { choices?: { text: string }[]; error?: object };
  } | null;
  error: { code: string; message: string } | null;
}

const line = (custom_id: string, body: object, url = '/v1/completions') =>
  JSON.stringify({ custom_id, method: 'POST', url, body });

/** Requests for `count` texts, of which each says which it is. */
const requests = (model: string, count: number) =>
  Array.from({ length: count }, (_, at) => line(`request-${at}`, { model, prompt: `Prompt ${at}` }));

/** A client with a key of its own, and what it does with batches. */
async function newClient(coordinator: TestCoordinator) {
  const key = await coordinator.key('client');
  const call = <Body>(method: string, path: string, body?: object) =>
    coordinator.call<Body>(method, path, body, { key });
  async function file(id: string | null): Promise<ResultLine[]> {
    if (id === null) return [];
    const { body } = await call<string>('GET', `/v1/files/${id}/content`);
    return body
      .trimEnd()
      .split('\n')
      .map(text => JSON.parse(text));
  }
  return {
    key,
    call,
    upload: async (lines: readonly string[]) =>
      (await upload(coordinator, fileForm(lines.join('\n')), key)).id,
    async begin(lines: readonly string[], more: Partial<ReturnType<typeof newBatch>> = {}) {
      const { id } = await upload(coordinator, fileForm(`${lines.join('\n')}\n`), key);
      const batch = await begin(coordinator, { ...newBatch(id), ...more }, key);
      await coordinator.pass({ seconds: 1 });
      return batch.id;
    },
    batch: async (id: string) => (await call<Batch>('GET', `/v1/batches/${id}`)).body,
    async results(id: string) {
      const { body } = await call<Batch>('GET', `/v1/batches/${id}`);
      return { output: await file(body.output_file_id), errors: await file(body.error_file_id) };
    },
    jobs: async () => (await call<{ job_id: string; status: string }[]>('GET', '/v1/jobs?limit=100')).body,
  };
}

/** A miner that takes jobs for a model and answers each prompt by itself. */
async function newMiner(coordinator: TestCoordinator, model: string) {
  const key = await coordinator.key('miner');
  const { register, claims, complete, fail } = actions(coordinator, key);
  await register(model, { capabilities: [model], concurrency: 100 });
  return {
    claim: (max: number) => claims(model, max),
    complete: (jobId: string, result: string) => complete(jobId, model, result),
    fail: (jobId: string) => fail(jobId, model, { retryable: false }),
    async answer(max: number) {
      const jobs = await claims(model, max);
      await Promise.all(jobs.map(({ job_id, prompt }) => complete(job_id, model, `Answer to ${prompt}`)));
      return jobs.length;
    },
  };
}

describeEachEngine('batches', engine => {
  const coordinator = withCoordinator(engine, { mediaLimit: 1024, mode: 'keyed' });

  test('an answer has no character at which readers of lines break it', async () => {
    const client = await newClient(coordinator);
    const miner = await newMiner(coordinator, 'separators');
    const text = 'a\u2028b\u2029c\u0085d';
    const id = await client.begin([line(text, { model: 'separators', prompt: text })]);
    await miner.answer(1);
    await coordinator.pass({ seconds: 1 });
    const { output_file_id } = await client.batch(id);
    const { body } = await client.call<string>('GET', `/v1/files/${output_file_id}/content`);
    expect(body).not.toMatch(/[\u0085\u2028\u2029]/);
    const { output } = await client.results(id);
    expect(output).toMatchObject([
      { custom_id: text, response: { body: { choices: [{ text: `Answer to ${text}` }] } } },
    ]);
  });

  test('all requests are answered, those of models that nobody offers yet when somebody does', async () => {
    const client = await newClient(coordinator);
    const id = await client.begin(requests('late', 3), { metadata: { night: 'first' } });
    const began = await client.batch(id);
    const miner = await newMiner(coordinator, 'late');
    const [first, second, third] = await miner.claim(3);
    await miner.complete(third?.job_id ?? '', 'Third');
    await miner.fail(second?.job_id ?? '');
    await miner.complete(first?.job_id ?? '', 'First');
    await coordinator.pass({ seconds: HOURS });
    const ended = await client.batch(id);
    const { output, errors } = await client.results(id);
    const now = coordinator.now() / 1000;
    expect(began).toMatchObject({
      object: 'batch',
      status: 'in_progress',
      metadata: { night: 'first' },
      request_counts: { total: 3, completed: 0, failed: 0 },
      expires_at: began.created_at + DAYS,
      ...{ output_file_id: null, errors: null, completed_at: null },
    });
    expect(ended).toMatchObject({
      status: 'completed',
      request_counts: { total: 3, completed: 2, failed: 1 },
      ...{ finalizing_at: now, completed_at: now, expired_at: null, cancelled_at: null },
    });
    expect(output.map(({ custom_id, response }) => [custom_id, response?.body.choices?.[0]?.text])).toEqual([
      ['request-0', 'First'],
      ['request-2', 'Third'],
    ]);
    expect(errors).toEqual([
      {
        id: expect.stringMatching(/^batch_req_/),
        custom_id: 'request-1',
        response: {
          status_code: 502,
          request_id: second?.job_id,
          body: { error: expect.objectContaining({ code: 'miner_failed' }) },
        },
        error: null,
      },
    ]);
  });

  test('a long file is worked off in its order, over restarts, with its input deleted', async () => {
    const client = await newClient(coordinator);
    const id = await client.begin(requests('long', 250));
    await client.call('DELETE', `/v1/files/${(await client.batch(id)).input_file_id}`);
    const miner = await newMiner(coordinator, 'long');
    await miner.answer(100);
    await coordinator.restart();
    const counts = (await client.batch(id)).request_counts;
    while ((await miner.answer(100)) > 0);
    await coordinator.restart({ seconds: 1 });
    await coordinator.pass({ seconds: 1 });
    const { output, errors } = await client.results(id);
    expect(counts).toEqual({ total: 250, completed: 100, failed: 0 });
    expect((await client.batch(id)).request_counts).toEqual({ total: 250, completed: 250, failed: 0 });
    expect(errors).toEqual([]);
    expect(output.map(({ custom_id, response }) => [custom_id, response?.body.choices?.[0]?.text])).toEqual(
      Array.from({ length: 250 }, (_, at) => [`request-${at}`, `Answer to Prompt ${at}`]),
    );
  });

  test('what is wrong with a file is told by its lines, and nothing is submitted', async () => {
    const client = await newClient(coordinator);
    const body = { model: 'wrong', prompt: 'Hello' };
    const id = await client.begin([
      line('good', body),
      'no JSON',
      '',
      line('good', body),
      line('elsewhere', body, '/v1/embeddings'),
      JSON.stringify({ custom_id: 'get', method: 'GET', url: '/v1/completions', body }),
      JSON.stringify({ method: 'POST', url: '/v1/completions', body }),
      line('streamed', { ...body, stream: true }),
      line('bodiless', { model: 'wrong' }),
      line('polluted', body).replace('{', '{"__proto__":{},'),
      line('long', { ...body, prompt: 'x'.repeat(300_000) }),
      `"${'x'.repeat(1_100_000)}"`,
      '[]',
    ]);
    const { status, errors, request_counts, failed_at } = await client.batch(id);
    expect({ status, request_counts, failed_at }).toEqual({
      status: 'failed',
      request_counts: { total: 0, completed: 0, failed: 0 },
      failed_at: coordinator.now() / 1000,
    });
    expect(errors?.data.map(({ line, code, param }) => [line, code, param])).toEqual([
      [2, 'invalid_json_line', null],
      [4, 'duplicate_custom_id', 'custom_id'],
      [5, 'mismatched_url', 'url'],
      [6, 'invalid_value', 'method'],
      [7, 'invalid_value', 'custom_id'],
      [8, 'unsupported_value', 'body.stream'],
      [9, 'missing_required_parameter', 'prompt'],
      [10, 'invalid_json_line', null],
      [11, 'string_above_max_length', 'prompt'],
      [12, 'line_too_long', null],
      [13, 'invalid_json_line', null],
    ]);
    expect(await client.jobs()).toEqual([]);
  });

  test('when its window is over, what was answered is written and the rest given up', async () => {
    const client = await newClient(coordinator);
    const id = await client.begin(requests('slow', 3), { completion_window: '2h' });
    const miner = await newMiner(coordinator, 'slow');
    await miner.answer(1);
    await miner.claim(1);
    await coordinator.pass({ seconds: 2 * HOURS });
    await coordinator.pass({ seconds: 1 });
    const { output, errors } = await client.results(id);
    expect(await client.batch(id)).toMatchObject({
      status: 'expired',
      request_counts: { total: 3, completed: 1, failed: 2 },
      ...{ completed_at: null, cancelled_at: null, expired_at: expect.any(Number) },
    });
    expect(output.map(({ custom_id }) => custom_id)).toEqual(['request-0']);
    expect(errors.map(({ custom_id, error }) => [custom_id, error?.code])).toEqual([
      ['request-1', 'batch_expired'],
      ['request-2', 'batch_expired'],
    ]);
    expect((await client.jobs()).map(({ status }) => status)).not.toContain('running');
  });

  test('a batch that was answered in its window has completed, however late that is noticed', async () => {
    const client = await newClient(coordinator);
    const id = await client.begin(requests('in-time', 2), { completion_window: '1h' });
    await (await newMiner(coordinator, 'in-time')).answer(2);
    await coordinator.pass({ seconds: 2 * HOURS });
    expect(await client.batch(id)).toMatchObject({ status: 'completed', expired_at: null });
  });

  test('a batch that is cancelled stops its jobs, and keeps what was answered', async () => {
    const client = await newClient(coordinator);
    const id = await client.begin(requests('stopped', 3));
    const miner = await newMiner(coordinator, 'stopped');
    await miner.answer(1);
    await miner.claim(1);
    const cancelling = await client.call<Batch>('POST', `/v1/batches/${id}/cancel`);
    await coordinator.pass({ seconds: 1 });
    const { output, errors } = await client.results(id);
    expect(cancelling.body).toMatchObject({ status: 'cancelling', cancelled_at: null });
    expect(await client.batch(id)).toMatchObject({
      status: 'cancelled',
      request_counts: { total: 3, completed: 1, failed: 2 },
    });
    expect(output.map(({ custom_id }) => custom_id)).toEqual(['request-0']);
    expect(errors.map(({ custom_id, error }) => [custom_id, error?.code])).toEqual([
      ['request-1', 'batch_cancelled'],
      ['request-2', 'batch_cancelled'],
    ]);
    expect((await client.jobs()).map(({ status }) => status)).toEqual([
      'cancelled',
      'cancelled',
      'completed',
    ]);
  });

  test('a batch that has ended can not be cancelled, one that is cancelled can be again', async () => {
    const client = await newClient(coordinator);
    const failed = await client.begin(['']);
    const cancelled = await client.begin(requests('twice', 1));
    await client.call('POST', `/v1/batches/${cancelled}/cancel`);
    await coordinator.pass({ seconds: 1 });
    expect(refusal(await client.call('POST', `/v1/batches/${failed}/cancel`))).toEqual([
      409,
      'batch_invalid_status',
    ]);
    expect((await client.call('POST', `/v1/batches/${cancelled}/cancel`)).body).toMatchObject({
      status: 'cancelled',
    });
  });

  test('embeddings come as each request asks for them, and a miner that sends none has failed', async () => {
    const client = await newClient(coordinator);
    const key = await coordinator.key('miner');
    const { register, claims } = actions(coordinator, key);
    const url = '/v1/embeddings';
    const body = { model: 'embedder', input: 'Hello' };
    const id = await client.begin(
      [
        line('numbers', body, url),
        line('coded', { ...body, encoding_format: 'base64' }, url),
        line('none', body, url),
      ],
      { endpoint: url },
    );
    await register('embedder', { capabilities: ['embedder'] });
    const result = { result: '{"embeddings":["AACAPw=="]}', result_type: 'embeddings' };
    for (const [at, { job_id }] of (await claims('embedder', 3)).entries())
      await coordinator.call(
        'POST',
        `/v1/jobs/${job_id}/complete`,
        { miner_id: 'embedder', ...(at < 2 ? result : { result: 'Hello?' }) },
        { key },
      );
    await coordinator.pass({ seconds: 1 });
    const { output, errors } = await client.results(id);
    expect(output.map(({ response }) => response?.body)).toMatchObject([
      { data: [{ embedding: [1] }] },
      { data: [{ embedding: 'AACAPw==' }] },
    ]);
    expect(errors.map(({ custom_id, response }) => [custom_id, response?.status_code])).toEqual([
      ['none', 502],
    ]);
    expect((await client.batch(id)).request_counts).toEqual({ total: 3, completed: 2, failed: 1 });
  });

  test('batches are listed newest first, a page at a time, to their owner', async () => {
    const client = await newClient(coordinator);
    const [a, b, c] = [await client.begin(['']), await client.begin(['']), await client.begin([''])];
    const page = async (query: string) => {
      const { data, has_more } = (await client.call<BatchPage>('GET', `/v1/batches?${query}`)).body;
      return [data.map(({ id }) => id), has_more];
    };
    expect(await page('limit=2')).toEqual([[c, b], true]);
    expect(await page(`limit=2&after=${b}`)).toEqual([[a], false]);
    const stranger = await newClient(coordinator);
    expect((await stranger.call<BatchPage>('GET', '/v1/batches')).body.data).toEqual([]);
  });

  test.each([
    ['endpoint', '/v1/images', [400, 'invalid_value', 'endpoint']],
    ['endpoint', undefined, [400, 'missing_required_parameter', 'endpoint']],
    ['completion_window', 'soon', [400, 'invalid_value', 'completion_window']],
    ['completion_window', '31d', [400, 'invalid_value', 'completion_window']],
    ['input_file_id', 'file-none', [404, 'file_not_found', 'input_file_id']],
    ['anything', 1, [400, 'unsupported_parameter', 'anything']],
  ])('a batch with the %s %s is refused', async (field, value, expected) => {
    const client = await newClient(coordinator);
    const batch = { ...newBatch(await client.upload(['{}'])), [field]: value };
    expect(refusal(await client.call('POST', '/v1/batches', batch))).toEqual(expected);
  });

  test('with an idempotency key a batch begins once', async () => {
    const client = await newClient(coordinator);
    const batch = newBatch(await client.upload(['{}']));
    const options = { key: client.key, headers: { 'idempotency-key': 'once' } };
    const first = await coordinator.call<Batch>('POST', '/v1/batches', batch, options);
    const again = await coordinator.call<Batch>('POST', '/v1/batches', batch, options);
    const other = { ...batch, completion_window: '1h' };
    expect(again.body).toEqual(first.body);
    expect(refusal(await coordinator.call('POST', '/v1/batches', other, options))).toEqual([
      409,
      'idempotency_key_reused',
    ]);
  });

  test('the input is its owner’s to delete once the batch has ended, and goes with its age', async () => {
    const client = await newClient(coordinator);
    const id = await client.begin(requests('aged', 1), { completion_window: '30d' });
    const { input_file_id } = await client.batch(id);
    await coordinator.pass({ seconds: 30 * DAYS - 1 });
    const before = await client.call('GET', `/v1/files/${input_file_id}`);
    await coordinator.pass({ seconds: 2 });
    await coordinator.pass({ seconds: 1 });
    const after = await client.call('GET', `/v1/files/${input_file_id}`);
    expect([before.status, after.status]).toEqual([200, 404]);
    expect((await client.batch(id)).status).toBe('expired');
  });
});

describeEachEngine('batches of clients that pay before', engine => {
  const coordinator = withCoordinator(engine, {
    mode: 'keyed',
    billing: 'prepaid',
    rate: 1,
    jobTimeoutSeconds: 10,
  });

  test('wait with what is not covered until it is', async () => {
    const client = await newClient(coordinator);
    const { address } = (await client.call<{ address: string }>('GET', '/v1/account')).body;
    // Of two jobs that may run for as long as one may.
    await makeGrant(coordinator, await coordinator.key('admin'), { to: address, amount: 25 });
    const id = await client.begin(requests('paid', 5));
    const first = await client.jobs();
    const miner = await newMiner(coordinator, 'paid');
    while ((await miner.answer(5)) > 0) await coordinator.pass({ seconds: 1 });
    expect(first.map(({ status }) => status)).toEqual(['pending', 'pending']);
    expect(await client.batch(id)).toMatchObject({ status: 'completed', request_counts: { completed: 5 } });
  });
});

describeEachEngine('batches where texts are erased', engine => {
  const coordinator = withCoordinator(engine, { mode: 'keyed', retentionDays: 1 });

  test('have all results that are younger than the batch', async () => {
    const client = await newClient(coordinator);
    const id = await client.begin(requests('kept', 2), { completion_window: '3d' });
    const miner = await newMiner(coordinator, 'kept');
    await miner.answer(1);
    await coordinator.pass({ seconds: 2 * DAYS });
    await miner.answer(1);
    await coordinator.pass({ seconds: 1 });
    await coordinator.pass({ seconds: 1 });
    const { output } = await client.results(id);
    const erased = (await client.call<{ erased_at: string }[]>('GET', '/v1/jobs')).body.map(
      job => job.erased_at,
    );
    expect(output.map(({ custom_id }) => custom_id)).toEqual(['request-0', 'request-1']);
    expect(erased).toEqual([null, expect.any(String)]);
  });
});

describeOneEngine('files that are no batch', engine => {
  const coordinator = withCoordinator(engine, { mode: 'keyed' });

  test.each([
    ['that is blank', ['', ' '], 'empty_file', null],
    ['that is all wrong', Array(200).fill('{}'), 'invalid_value', 1],
    ['with more requests than a batch has', requests('many', 50_001), 'too_many_requests', 50_001],
    [
      'with more lines than a file has, most of them blank,',
      [...requests('blank', 1), ...Array<string>(200_000).fill('')],
      'too_many_lines',
      200_001,
    ],
  ])('a file %s fails', async (_, lines, code, number) => {
    const client = await newClient(coordinator);
    const { errors } = await client.batch(await client.begin(lines));
    expect([errors?.data[0]?.code, errors?.data[0]?.line]).toEqual([code, number]);
    expect(errors?.data.length).toBeLessThanOrEqual(100);
  });
});
