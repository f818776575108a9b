import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { ERROR_STATUS, type OpenAiProblem, type Problem } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { type Answer, withCoordinator } from './harness/coordinator.ts';
import { describeOneEngine } from './harness/engines.ts';

const JOB = { prompt: 'Hello', model: 'm' };

describeOneEngine('errors', engine => {
  const coordinator = withCoordinator(engine);

  /** Bytes that no HTTP client would send, and what comes back. */
  async function raw(bytes: string): Promise<Answer> {
    const socket = connect(Number(new URL(coordinator.url).port), '127.0.0.1');
    socket.write(bytes);
    const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
    const [start = '', ...fields] = head.split('\r\n');
    const headers = new Headers(fields.map(field => field.split(': ', 2) as [string, string]));
    return { status: Number(start.split(' ')[1]), headers, body: JSON.parse(body) };
  }

  const cases: [string, Problem['error_code'], () => Promise<Answer>][] = [
    ['an unknown route', 'ROUTE_NOT_FOUND', () => coordinator.call('GET', '/v1/nothing')],
    ['another method', 'METHOD_NOT_ALLOWED', () => coordinator.call('PUT', '/v1/jobs', JOB)],
    ['a method of other protocols', 'METHOD_NOT_ALLOWED', () => coordinator.call('PROPFIND', '/v1/jobs')],
    ['a path that is no text', 'VALIDATION_INVALID_FORMAT', () => coordinator.call('GET', '/v1/jobs/%ZZ')],
    ['a very long id', 'ROUTE_NOT_FOUND', () => coordinator.call('GET', `/v1/jobs/${'x'.repeat(200)}`)],
    ['a page that is missing', 'ROUTE_NOT_FOUND', () => coordinator.call('GET', '/docs/static/none.js')],
    [
      'a wrong key',
      'AUTH_INVALID_KEY',
      () => coordinator.call('GET', '/v1/jobs', undefined, { key: 'wrong' }),
    ],
    ['a wrong query', 'VALIDATION_OUT_OF_RANGE', () => coordinator.call('GET', '/v1/jobs?limit=0')],
    [
      'a wrong field',
      'VALIDATION_INVALID_TYPE',
      () => coordinator.call('POST', '/v1/jobs', { ...JOB, prompt: 1 }),
    ],
    ['a missing field', 'VALIDATION_MISSING_FIELD', () => coordinator.call('POST', '/v1/jobs', {})],
    ['no JSON', 'VALIDATION_INVALID_FORMAT', () => coordinator.call('POST', '/v1/jobs', '{"prompt"')],
    [
      'a large body',
      'PAYLOAD_TOO_LARGE',
      () => coordinator.call('POST', '/v1/jobs', 'x'.repeat(2 ** 20 + 1)),
    ],
    [
      'a body of another type',
      'UNSUPPORTED_MEDIA_TYPE',
      () => coordinator.call('POST', '/v1/jobs', 'a=b', { headers: { 'content-type': 'application/xml' } }),
    ],
    ['an unknown job', 'JOB_NOT_FOUND', () => coordinator.call('GET', '/v1/jobs/job-none')],
    ['no HTTP', 'VALIDATION_INVALID_FORMAT', () => raw('Hello, anybody there?\r\n\r\n')],
    [
      'headers without end',
      'HEADERS_TOO_LARGE',
      () => raw(`GET /health HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`),
    ],
  ];

  test.each(cases)('%s is answered in the one shape: %s', async (_, code, request) => {
    const { status, headers, body } = await request();
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(status).toBe(ERROR_STATUS[code]);
    // Beside it stands OpenAI's shape, where nobody knows which API was meant.
    const { field, error, ...problem } = body as Problem & Partial<OpenAiProblem>;
    if (error) expect(error).toMatchObject({ message: problem.detail, type: 'invalid_request_error' });
    expect(problem).toEqual({
      type: `urn:aitbc:error:${code}`,
      title: expect.stringMatching(/^[A-Z]/),
      status,
      detail: expect.stringMatching(/\w/),
      error_code: code,
      request_id: expect.stringMatching(/./),
    });
  });

  test('each has a request id of its own', async () => {
    const ask = () => coordinator.call('GET', '/v1/nothing');
    const answers = [await ask(), await ask()];
    expect(new Set(answers.map(({ body }) => (body as Problem).request_id)).size).toBe(2);
  });

  test('a wrong key is told how to send one', async () => {
    const { headers } = await coordinator.call('GET', '/v1/jobs', undefined, { key: 'wrong' });
    expect(headers.get('www-authenticate')).toBe('Bearer');
  });

  test('the detail names what was asked for, below /api too', async () => {
    const { body } = await coordinator.call<Problem>('DELETE', '/api/v1/nothing?x=1');
    expect(body.detail).toMatch(/^There is no DELETE \/v1\/nothing\b/);
  });

  test.each([
    ['POST', '/chat/completions', '/v1/chat/completions'],
    ['GET', '/models', '/v1/models'],
    ['POST', '/v1/v1/embeddings', '/v1/embeddings'],
    ['POST', '/openai/deployments/llama3.2/chat/completions', '/v1/chat/completions'],
    ['POST', '/v1/chat/completion', '/v1/chat/completions'],
    ['GET', '/v1/job', '/v1/jobs'],
    ['POST', '/api/chat', 'Ollama'],
    ['GET', '/api/tags', 'Ollama'],
    ['POST', '/v1/messages?beta=true', 'Anthropic'],
    ['POST', '/v1/responses', '/v1/chat/completions'],
  ])('%s %s is told what may have been meant, in OpenAI’s shape too', async (method, path, hint) => {
    const { status, body } = await coordinator.call<Problem & OpenAiProblem>(method, path);
    expect([status, body.error_code, body.error.code]).toEqual([404, 'ROUTE_NOT_FOUND', 'unknown_url']);
    expect(body.error.message).toContain(hint);
  });

  test('an unknown route is one whatever its body', async () => {
    const form = new FormData();
    form.set('file', new Blob(['sound']), 'speech.wav');
    const sent = await coordinator.call('POST', '/v1/audio/transcriptions', form);
    const large = await coordinator.call('POST', '/v1/images/generations', 'x'.repeat(2 ** 20 + 1));
    expect([sent.status, large.status]).toEqual([404, 404]);
  });

  test.each([
    ['GET', '/v1/chat/completions', 'POST'],
    ['POST', '/v1/models/org/model', 'GET, HEAD'],
    ['PUT', '/v1/jobs/job-1', 'GET, HEAD'],
    ['PATCH', '/api/v1/files/file-1', 'GET, HEAD, DELETE'],
    ['DELETE', '/health', 'GET, HEAD'],
  ])('%s %s is told which methods there are', async (method, path, allow) => {
    const { status, headers, body } = await coordinator.call<Problem & OpenAiProblem>(method, path);
    expect([status, headers.get('allow')?.split(', ').sort()]).toEqual([405, allow.split(', ').sort()]);
    expect([body.error_code, body.error.code]).toEqual(['METHOD_NOT_ALLOWED', 'method_not_supported']);
  });

  test('a trailing slash is no error', async () => {
    expect((await coordinator.call('GET', '/v1/stats/')).status).toBe(200);
  });
});

describeOneEngine('HTTP', engine => {
  const coordinator = withCoordinator(engine);

  test('HEAD answers as GET does, without the body', async () => {
    const { status, body, headers } = await coordinator.call('HEAD', '/v1/stats');
    expect([status, body]).toEqual([200, '']);
    expect(headers.get('content-type')).toContain('application/json');
  });

  test('a page of this machine may call the API and read what it needs', async () => {
    const headers = { origin: 'http://localhost:3000' };
    const answer = await coordinator.call('GET', '/v1/stats', undefined, { headers });
    expect(answer.headers.get('access-control-allow-origin')).toBe('http://localhost:3000');
    expect(answer.headers.get('access-control-expose-headers')).toMatch(/link.*retry-after/);
  });

  test('a preflight allows keys and methods without a key of its own', async () => {
    const { status, headers } = await coordinator.call('OPTIONS', '/v1/miners/m', undefined, {
      headers: {
        origin: 'http://localhost:3000',
        'access-control-request-method': 'DELETE',
        'access-control-request-headers': 'x-api-key,content-type,idempotency-key',
      },
    });
    expect(status).toBe(204);
    expect(headers.get('access-control-allow-methods')).toContain('DELETE');
    expect(headers.get('access-control-allow-headers')).toContain('x-api-key');
  });

  test('a bare OPTIONS is no error', async () => {
    expect((await coordinator.call('OPTIONS', '/v1/jobs')).status).toBe(204);
  });
});

describeOneEngine('a coordinator that asks for keys', engine => {
  const coordinator = withCoordinator(engine, { mode: 'keyed' });

  test('a page of any origin may call the API and read what it needs', async () => {
    const headers = { origin: 'https://app.example' };
    const answer = await coordinator.call('GET', '/v1/stats', undefined, { headers });
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect(answer.headers.get('access-control-expose-headers')).toMatch(/link.*retry-after/);
  });

  test('errors may be read by pages too', async () => {
    const headers = { origin: 'https://app.example' };
    const answer = await coordinator.call('GET', '/v1/jobs/none', undefined, { headers });
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
  });
});

describeOneEngine('a coordinator for some pages only', engine => {
  const coordinator = withCoordinator(engine, { corsOrigin: 'https://a.example, https://b.example' });

  test.each([
    ['https://b.example', 'https://b.example'],
    ['https://c.example', null],
  ])('%s gets %s', async (origin, allowed) => {
    const answer = await coordinator.call('GET', '/health', undefined, { headers: { origin } });
    expect(answer.headers.get('access-control-allow-origin')).toBe(allowed);
  });
});
