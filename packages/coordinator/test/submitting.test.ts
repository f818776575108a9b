import type { Job } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { refusal } from './harness/answers.ts';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';

const job = { prompt: 'Explain quantum computing', model: 'llama3.2' };

describeEachEngine('submitting a job', engine => {
  const coordinator = withCoordinator(engine);
  const { job: read } = actions(coordinator);
  const submit = (body: unknown, headers: Record<string, string> = {}) =>
    coordinator.call<Job>('POST', '/v1/jobs', body, { headers });

  test('a prompt and a model are enough', async () => {
    const { status, body } = await submit(job);
    expect(status).toBe(201);
    expect(body).toMatchObject({
      ...job,
      job_id: expect.stringMatching(/^job-[0-9a-z]{26}$/),
      status: 'pending',
      params: {},
      priority: 0,
      constraints: {},
      metadata: null,
      attempts: 0,
      max_attempts: 3,
      created_at: new Date(coordinator.now()).toISOString(),
      expires_at: new Date(coordinator.now() + 24 * 3600_000).toISOString(),
      started_at: null,
      completed_at: null,
      miner_id: null,
      result: null,
      error: null,
      receipt_id: null,
    });
  });

  test('every field comes back, at once and later', async () => {
    const request = {
      ...job,
      params: { max_tokens: 256, temperature: 0.7, top_p: 0.9 },
      priority: 5,
      max_attempts: 7,
      constraints: { min_vram_gb: 24, region: 'eu-west', max_price: 1.5 },
      metadata: { ticket: 17, tags: ['a', null], nested: { deep: true } },
    };
    const { body } = await submit({ ...request, ttl_seconds: 60 });
    const expires_at = new Date(coordinator.now() + 60_000).toISOString();
    expect(body).toMatchObject({ ...request, expires_at });
    expect(await read(body.job_id)).toEqual(body);
  });

  test('the answer says where the job is', async () => {
    const { headers, body } = await submit(job);
    const where = new URL(headers.get('location') ?? '', new URL('/api/v1/jobs', coordinator.url));
    expect((await coordinator.call<Job>('GET', where.pathname)).body.job_id).toBe(body.job_id);
  });

  test.each([
    ['emoji and right-to-left text', 'שלום 👩‍🚀 ½'],
    ['a NUL character', 'before\0after'],
    ['line ends of all kinds', 'a\r\nb\rc\u2028d'],
    ['quotes and backslashes', '"\\u0041" \\ \''],
    ['200,000 characters', 'x'.repeat(200_000)],
  ])('a prompt with %s comes back unchanged', async (_, prompt) => {
    const { body } = await submit({ ...job, prompt });
    expect((await read(body.job_id)).prompt).toBe(prompt);
  });

  test.each([
    ['prompt', '{"prompt":"a\\ud800b","model":"m"}'],
    ['messages.0.content', '{"messages":[{"role":"user","content":"\\udc00"}],"model":"m"}'],
    ['params.stop.1', '{"prompt":"p","model":"m","params":{"stop":["a","\\udfff\\ud800"]}}'],
    ['metadata.\ufffd', '{"prompt":"p","model":"m","metadata":{"\\udc00":1}}'],
  ])('a lone surrogate, which has no UTF-8 and so no hash, is refused in %s', async (field, body) => {
    expect(refusal(await submit(body))).toEqual([400, 'VALIDATION_INVALID_FORMAT', field]);
  });

  test.each([
    ['Latin-1', Buffer.from('{"prompt":"Größe","model":"m"}', 'latin1')],
    ['a surrogate in UTF-8', Buffer.from('{"prompt":"\xed\xa0\x80","model":"m"}', 'latin1')],
  ])('a body in %s is refused, rather than changed', async (_, body) => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${coordinator.url}/v1/jobs`, { method: 'POST', headers, body });
    const answer = { status: response.status, headers: response.headers, body: await response.json() };
    expect(refusal(answer)).toEqual([400, 'VALIDATION_INVALID_FORMAT']);
  });

  test('a repeated request may leave out what was empty, or the other way round', async () => {
    const headers = { 'idempotency-key': 'empty' };
    const { body: first } = await submit(job, headers);
    const again = await submit({ ...job, params: {}, metadata: {}, constraints: {} }, headers);
    expect(again).toMatchObject({ status: 201, body: { job_id: first.job_id } });
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    const otherwise = await submit({ ...job, params: { seed: 1 } }, headers);
    expect(otherwise.status).toBe(409);
  });

  test('parameters that the coordinator does not know pass through', async () => {
    const params = { seed: 7, stop: ['\n'], top_k: 40, grammar: { root: 'x' }, flag: null };
    const { body } = await submit({ ...job, params });
    expect((await read(body.job_id)).params).toEqual(params);
  });

  test('names in metadata and parameters may be those of members that every object has', async () => {
    const odd = { constructor: 1, toString: 'x', hasOwnProperty: null, '': 0, 'a.b': 1, 'a\nb': 2 };
    const { body } = await submit({ ...job, params: odd, metadata: odd });
    expect(await read(body.job_id)).toMatchObject({ params: odd, metadata: odd });
  });

  test.each([
    ['no prompt', { model: 'm' }, ['VALIDATION_MISSING_FIELD', 'prompt']],
    ['an empty prompt', { ...job, prompt: '' }, ['VALIDATION_OUT_OF_RANGE', 'prompt']],
    ['a prompt that is no text', { ...job, prompt: 5 }, ['VALIDATION_INVALID_TYPE', 'prompt']],
    ['no model', { prompt: 'x' }, ['VALIDATION_MISSING_FIELD', 'model']],
    ['a model with a space', { ...job, model: 'a b' }, ['VALIDATION_INVALID_MODEL', 'model']],
    ['a model beyond ASCII', { ...job, model: 'ä' }, ['VALIDATION_INVALID_MODEL', 'model']],
    ['too long a model', { ...job, model: 'm'.repeat(129) }, ['VALIDATION_INVALID_MODEL', 'model']],
    ['max_tokens 0', { ...job, params: { max_tokens: 0 } }, ['VALIDATION_OUT_OF_RANGE', 'params.max_tokens']],
    [
      'max_tokens 1.5',
      { ...job, params: { max_tokens: 1.5 } },
      ['VALIDATION_INVALID_TYPE', 'params.max_tokens'],
    ],
    [
      'temperature 2.1',
      { ...job, params: { temperature: 2.1 } },
      ['VALIDATION_OUT_OF_RANGE', 'params.temperature'],
    ],
    [
      'temperature -1',
      { ...job, params: { temperature: -1 } },
      ['VALIDATION_OUT_OF_RANGE', 'params.temperature'],
    ],
    [
      'temperature as text',
      { ...job, params: { temperature: '1' } },
      ['VALIDATION_INVALID_TYPE', 'params.temperature'],
    ],
    ['top_p 0', { ...job, params: { top_p: 0 } }, ['VALIDATION_OUT_OF_RANGE', 'params.top_p']],
    ['top_p 1.1', { ...job, params: { top_p: 1.1 } }, ['VALIDATION_OUT_OF_RANGE', 'params.top_p']],
    ['priority 11', { ...job, priority: 11 }, ['VALIDATION_OUT_OF_RANGE', 'priority']],
    ['priority -11', { ...job, priority: -11 }, ['VALIDATION_OUT_OF_RANGE', 'priority']],
    ['ttl_seconds 0', { ...job, ttl_seconds: 0 }, ['VALIDATION_OUT_OF_RANGE', 'ttl_seconds']],
    ['max_attempts 101', { ...job, max_attempts: 101 }, ['VALIDATION_OUT_OF_RANGE', 'max_attempts']],
    [
      'a negative price',
      { ...job, constraints: { max_price: -1 } },
      ['VALIDATION_OUT_OF_RANGE', 'constraints.max_price'],
    ],
    [
      'a region in capitals',
      { ...job, constraints: { region: 'EU' } },
      ['VALIDATION_INVALID_FORMAT', 'constraints.region'],
    ],
    ['metadata that is a list', { ...job, metadata: [] }, ['VALIDATION_INVALID_TYPE', 'metadata']],
    [
      'a metadata name of 129 characters',
      { ...job, metadata: { ['n'.repeat(129)]: 1 } },
      ['VALIDATION_OUT_OF_RANGE', 'metadata'],
    ],
    [
      'a price beyond exact numbers',
      { ...job, constraints: { max_price: 1e300 } },
      ['VALIDATION_OUT_OF_RANGE', 'constraints.max_price'],
    ],
    ['no object', [job], ['VALIDATION_INVALID_TYPE']],
  ])('%s is refused, and the field named', async (_, body, expected) => {
    expect(refusal(await submit(body))).toEqual([400, ...expected]);
  });

  test.each([
    ['max_tokens', '{"prompt":"x","model":"m","params":{"max_tokens":1e400}}', 'params.max_tokens'],
    ['max_price', '{"prompt":"x","model":"m","constraints":{"max_price":1e400}}', 'constraints.max_price'],
  ])('a number too large for any computer is refused in %s', async (_, body, field) => {
    expect(refusal(await submit(body))).toEqual([400, 'VALIDATION_INVALID_TYPE', field]);
  });

  test.each([
    ['broken off', '{"prompt": "Hel'],
    ['empty', ''],
    ['null', 'null'],
    ['naming a prototype', '{"prompt":"x","model":"m","params":{"__proto__":{"a":1}}}'],
    [
      'nested 50,000 levels deep',
      `{"prompt":"x","model":"m","params":{"a":${'['.repeat(5e4)}${']'.repeat(5e4)}}}`,
    ],
  ])('a body that is %s is a bad request', async (_, body) => {
    const { status } = await submit(body, { 'content-type': 'application/json' });
    expect(status).toBe(400);
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/xml'])(
    'a body of the type %s is refused',
    async type => {
      const answer = await submit(JSON.stringify(job), { 'content-type': type });
      expect(refusal(answer)).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
    },
  );

  test('a body above the limit is refused', async () => {
    const answer = await submit({ ...job, metadata: { a: 'x'.repeat(1024 * 1024) } });
    expect(refusal(answer)).toEqual([413, 'PAYLOAD_TOO_LARGE']);
  });
});

describeEachEngine('the prompt limit', engine => {
  const coordinator = withCoordinator(engine, { promptLimit: 4, maxPriority: 3 });
  const submit = (body: unknown, key?: string) =>
    coordinator.call('POST', '/v1/jobs', body, key === undefined ? {} : { key });

  test('counts bytes, not characters', async () => {
    expect((await submit({ ...job, prompt: 'äé' })).status).toBe(201);
    const refused = await submit({ ...job, prompt: 'äéx' });
    expect(refusal(refused)).toEqual([400, 'VALIDATION_PROMPT_TOO_LONG', 'prompt']);
  });

  test('names the job of a batch', async () => {
    const answer = await coordinator.call('POST', '/v1/jobs/batch', {
      jobs: [
        { ...job, prompt: 'a' },
        { ...job, prompt: 'abcde' },
      ],
    });
    expect(refusal(answer)).toEqual([400, 'VALIDATION_PROMPT_TOO_LONG', 'jobs.1.prompt']);
  });

  test('an operator may lower the highest priority for all but administrators', async () => {
    const urgent = { prompt: 'x', model: 'm', priority: 4 };
    expect(refusal(await submit(urgent))).toEqual([400, 'VALIDATION_OUT_OF_RANGE', 'priority']);
    expect((await submit(urgent, await coordinator.key('admin'))).status).toBe(201);
  });
});
