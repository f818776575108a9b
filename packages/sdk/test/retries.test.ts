import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { ConnectionError, CoordinatorClient, CoordinatorError, TimeoutError } from '../src/index.ts';
import { answer, brokenNetwork, hang, html, reset } from './network.ts';

const job = { job_id: 'job-1', status: 'pending' };
const stats = { total_jobs: 7 };

test.each([
  ['a reset connection', reset],
  ['429', answer(429)],
  ['500', answer(500)],
  ['502', html(502)],
  ['503', answer(503)],
  ['504', html(504)],
])('a read is repeated after %s', async (_, mishap) => {
  const { client } = await brokenNetwork([mishap, answer(200, stats)]);
  expect(await client.stats()).toEqual(stats);
});

test('a read that gets no answer in time is repeated', async () => {
  const { client } = await brokenNetwork([hang, answer(200, stats)], { timeout: 100 });
  expect(await client.stats()).toEqual(stats);
});

test('a submit whose answer was lost is repeated with the same idempotency key and body', async () => {
  const { client, seen } = await brokenNetwork([reset, answer(201, job)]);
  await client.submitJob('hello');
  expect(seen[0]?.headers['idempotency-key']).toMatch(/^[0-9a-f]{32}$/);
  expect(seen[1]?.headers['idempotency-key']).toBe(seen[0]?.headers['idempotency-key']);
  expect(seen[1]?.body).toBe(seen[0]?.body);
});

test.each<[string, (client: CoordinatorClient) => Promise<unknown>]>([
  ['an API key', ({ apiKeys }) => apiKeys.create({ scopes: ['client'] })],
  ['a rotation of an API key', ({ apiKeys }) => apiKeys.rotate('key-1')],
  ['an invitation', ({ invitations }) => invitations.create()],
  ['a webhook', ({ webhooks }) => webhooks.create({ url: 'https://shop.example', events: ['job.failed'] })],
  ['a rotation of a webhook’s secret', ({ webhooks }) => webhooks.rotateSecret('hook-1')],
  ['a rotation of an account’s secret', ({ webhooks }) => webhooks.rotateAccountSecret()],
  ['a notice', ({ notices }) => notices.create({ text: 'Hello' })],
])('%s is asked for again with the same idempotency key', async (_, ask) => {
  const { client, seen } = await brokenNetwork([reset, answer(201, {})]);
  await ask(client);
  expect(seen[1]?.headers['idempotency-key']).toMatch(/^[0-9a-f]{32}$/);
  expect(seen[1]?.headers['idempotency-key']).toBe(seen[0]?.headers['idempotency-key']);
});

test('two submits have different idempotency keys', async () => {
  const { client, seen } = await brokenNetwork([answer(201, job)]);
  await client.submitJob('hello');
  await client.submitJob('hello');
  expect(seen[0]?.headers['idempotency-key']).not.toBe(seen[1]?.headers['idempotency-key']);
});

test('the caller’s idempotency key is used unchanged', async () => {
  const { client, seen } = await brokenNetwork([answer(201, job)]);
  await client.jobs.submit({ prompt: 'hello', model: 'm' }, { idempotencyKey: 'order-17' });
  expect(seen[0]?.headers['idempotency-key']).toBe('order-17');
});

test.each([
  [
    'a completion',
    (client: CoordinatorClient) => client.jobs.complete('job-1', { miner_id: 'm', result: 'r' }),
  ],
  ['a failure', (client: CoordinatorClient) => client.jobs.fail('job-1', { miner_id: 'm', error: 'e' })],
  ['a heartbeat', (client: CoordinatorClient) => client.miners.heartbeat('m', ['job-1'])],
])('%s is repeated when its answer was lost', async (_, call) => {
  const { client, seen } = await brokenNetwork([reset, answer(200)]);
  await call(client);
  expect(seen).toHaveLength(2);
});

test('a claim of several jobs is not repeated when its answer was lost', async () => {
  const { client, seen } = await brokenNetwork([reset, answer(200, { jobs: [] })]);
  await expect(client.miners.claimJobs('m', { max: 4 })).rejects.toThrow(ConnectionError);
  expect(seen).toHaveLength(1);
});

test('a claim of several jobs is repeated when the coordinator was too busy to handle it', async () => {
  const { client } = await brokenNetwork([answer(503), answer(200, { jobs: [] })]);
  expect(await client.miners.claimJobs('m')).toEqual([]);
});

test.each([400, 401, 403, 404, 409, 410, 413, 501])('%i is not repeated', async status => {
  const { client, seen } = await brokenNetwork([answer(status)]);
  await expect(client.stats()).rejects.toMatchObject({ status });
  expect(seen).toHaveLength(1);
});

test('the waits between tries double up to eight seconds', async () => {
  const { client, slept } = await brokenNetwork([reset], { maxRetries: 6 });
  await client.stats().catch(() => {});
  expect(slept).toEqual([500, 1000, 2000, 4000, 8000, 8000]);
});

test('each wait is drawn between zero and its full length', async () => {
  const draws = [0, 0.5];
  const { client, slept } = await brokenNetwork([reset], { random: () => draws.shift() ?? 1 });
  await client.stats().catch(() => {});
  expect(slept).toEqual([0, 500]);
});

test('the seconds of Retry-After are waited in full', async () => {
  const busy = answer(503, {}, { 'retry-after': '7' });
  const { client, slept } = await brokenNetwork([busy, answer(200, stats)], { random: () => 0 });
  await client.stats();
  expect(slept).toEqual([7000]);
});

test('the date of Retry-After is waited for', async () => {
  const now = () => Date.parse('2026-01-24T15:00:00Z');
  const busy = answer(503, {}, { 'retry-after': 'Sat, 24 Jan 2026 15:00:09 GMT' });
  const { client, slept } = await brokenNetwork([busy, answer(200, stats)], { random: () => 0, now });
  await client.stats();
  expect(slept).toEqual([9000]);
});

test('retry_after of the body is used when the header can not be read', async () => {
  const busy = answer(429, { retry_after: 3 });
  const { client, slept } = await brokenNetwork([busy, answer(200, stats)], { random: () => 0 });
  await client.stats();
  expect(slept).toEqual([3000]);
});

test('a Retry-After of more than a minute is left to the caller', async () => {
  const { client, seen } = await brokenNetwork([answer(429, {}, { 'retry-after': '3600' })]);
  await expect(client.stats()).rejects.toMatchObject({ status: 429, retryAfter: 3600 });
  expect(seen).toHaveLength(1);
});

test('after the last retry the error is the last one', async () => {
  const { client, seen } = await brokenNetwork([reset, answer(500), html(502)]);
  await expect(client.stats()).rejects.toMatchObject({ status: 502 });
  expect(seen).toHaveLength(3);
});

test('a call can forbid retries for itself', async () => {
  const { client, seen } = await brokenNetwork([answer(500)]);
  await client.stats({ maxRetries: 0 }).catch(() => {});
  expect(seen).toHaveLength(1);
});

test('aborting ends a request that is under way', async () => {
  const reason = new Error('changed my mind');
  const aborter = new AbortController();
  const { client } = await brokenNetwork([() => aborter.abort(reason)]);
  await expect(client.stats({ signal: aborter.signal })).rejects.toBe(reason);
});

test('aborting ends the wait before a retry', async () => {
  const reason = new Error('changed my mind');
  const aborter = new AbortController();
  const random = () => {
    setImmediate(() => aborter.abort(reason));
    return 1;
  };
  const { url } = await brokenNetwork([answer(503, {}, { 'retry-after': '50' })]);
  const client = new CoordinatorClient(url, { random });
  await expect(client.stats({ signal: aborter.signal })).rejects.toBe(reason);
});

test('a signal that is aborted already sends nothing', async () => {
  const { client, seen } = await brokenNetwork([answer(200)]);
  await expect(client.stats({ signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
  expect(seen).toHaveLength(0);
});

test('a signal that outlives the call keeps no listener of it', async () => {
  const { signal } = new AbortController();
  const { client } = await brokenNetwork([reset, answer(200)]);
  await client.stats({ signal });
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('a coordinator that does not answer is a TimeoutError', async () => {
  const { client } = await brokenNetwork([hang], { timeout: 20, maxRetries: 0 });
  await expect(client.stats()).rejects.toThrow(TimeoutError);
});

test('an incomplete answer is a ConnectionError', async () => {
  const half = (response: import('node:http').ServerResponse) => {
    response.writeHead(200, { 'content-length': '100' }).write('{"total_jobs":');
  };
  const { client } = await brokenNetwork([half], { timeout: 20, maxRetries: 0 });
  await expect(client.stats()).rejects.toThrow(TimeoutError);
});

test('a long poll may take its wait longer than the timeout', async () => {
  const { client } = await brokenNetwork([hang], { timeout: 20, maxRetries: 0 });
  await expect(client.jobs.get('job-1', { wait: 0.03 })).rejects.toMatchObject({ timeout: 50 });
});

test('no listener is a ConnectionError with the address and the reason', async () => {
  const client = new CoordinatorClient('http://127.0.0.1:2/api/', { maxRetries: 0 });
  const error = await client.stats().catch(error => error);
  expect(error).toBeInstanceOf(ConnectionError);
  expect(error.url).toBe('http://127.0.0.1:2/api');
  expect(error.message).toMatch(/127\.0\.0\.1:2\/api/);
});

test('a ConnectionError has the reason, however many addresses were tried', async () => {
  const client = new CoordinatorClient('http://localhost:2', { maxRetries: 0 });
  await expect(client.stats()).rejects.toThrow('ECONNREFUSED');
});

test('a redirect is an error that names the target', async () => {
  const { client } = await brokenNetwork([answer(308, {}, { location: 'https://elsewhere.example/' })]);
  const error = await client.submitJob('hello').catch(error => error);
  expect(error).toBeInstanceOf(CoordinatorError);
  expect(error.detail).toContain('https://elsewhere.example/');
});

test('a page instead of JSON is an error that asks about the URL', async () => {
  const { client } = await brokenNetwork([html(200)]);
  await expect(client.stats()).rejects.toMatchObject({
    errorCode: null,
    detail: expect.stringContaining('not JSON'),
  });
});
