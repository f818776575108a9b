import type { Batch, FileObject, Problem } from '@aitbc/protocol';
import { describe, expect, test } from 'vitest';
import { type Answer, actions, withCoordinator } from '../harness/coordinator.ts';
import { describeOneEngine, sqlite } from '../harness/engines.ts';
import { listenTo } from '../harness/events.ts';
import { fileForm, newBatch } from '../harness/scenes.ts';
import { withTwoInTurn } from '../invariants/two-in-turn.ts';
import { violations } from '../invariants/violations.ts';

const TIERS = {
  default: { jobs_per_second: 10, jobs_burst: 100 },
  queue: { pending: 3 },
  busy: { running: 1 },
  chatty: { requests_per_minute: 5 },
  wordy: { tokens_per_minute: 1_000 },
  thrifty: { credits_per_day: 1 },
  small: { disk_mib: 1 },
  patient: { waits: 1, streams: 1 },
  public: { requests_per_minute: 2 },
};

const refusal = (status: number, error_code: string) => ({ status, body: { error_code } });

/** Whole seconds, in the header and in the body. */
function expectRetryAfter({ headers, body }: Answer<Problem>): number {
  expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
  expect(body.retry_after).toBe(Number(headers.get('retry-after')));
  return Number(headers.get('retry-after'));
}

describeOneEngine('An account that submits more than its tier allows', engine => {
  const coordinator = withCoordinator(engine, { mode: 'keyed', trustProxy: true, tiers: TIERS as never });
  const job = { prompt: 'Hi', model: 'limited' };
  const submit = (key: string, more: object = {}) =>
    coordinator.call<Problem>('POST', '/v1/jobs', { ...job, ...more }, { key });
  const submitMany = (key: string, count: number) =>
    coordinator.call<Problem>('POST', '/v1/jobs/batch', { jobs: Array(count).fill(job) }, { key });

  test('has each job of a batch counted, and another key pays nothing for it', async () => {
    const [greedy, honest] = [await coordinator.key('client'), await coordinator.key('client')];
    expect((await submitMany(greedy, 90)).status).toBe(201);
    const refused = await submitMany(greedy, 20);
    expect(refused).toMatchObject(refusal(429, 'RATE_LIMIT_EXCEEDED'));
    expect(expectRetryAfter(refused)).toBeLessThanOrEqual(10);
    expect((await submitMany(greedy, 10)).status).toBe(201);
    expect((await submit(greedy)).status).toBe(429);
    expect((await submit(honest)).status).toBe(201);
  });

  test('is told what is left, in the fields of the IETF draft', async () => {
    const key = await coordinator.key('client');
    await submitMany(key, 40);
    const { headers } = await submit(key);
    expect(headers.get('ratelimit-policy')).toMatch(/"requests";q=\d+;w=60, "jobs";q=100;w=10/);
    expect(headers.get('ratelimit')).toMatch(/"jobs";r=59;t=([1-9]|10)$/);
  });

  test('may have so many jobs pending, and gets a place with each that ends', async () => {
    const key = await coordinator.keyWith({ tier: 'queue' }, 'client');
    const client = actions(coordinator, key);
    for (let index = 0; index < 3; index++) await client.submit(job);
    const refused = await submit(key);
    expect(refused).toMatchObject(refusal(429, 'RATE_QUOTA_EXCEEDED'));
    expectRetryAfter(refused);
    const [first] = (await coordinator.call<{ job_id: string }[]>('GET', '/v1/jobs', undefined, { key }))
      .body;
    await client.cancel(first?.job_id ?? '');
    expect((await submit(key)).status).toBe(201);
  });

  test('may have so many jobs running', async () => {
    const key = await coordinator.keyWith({ tier: 'busy' }, 'client');
    const miner = actions(coordinator, await coordinator.key('miner'));
    await miner.register('busy-miner', { capabilities: ['busy'] });
    const { job_id } = await actions(coordinator, key).submit({ model: 'busy' });
    await miner.claims('busy-miner');
    expect(await submit(key)).toMatchObject(refusal(429, 'RATE_QUOTA_EXCEEDED'));
    await miner.complete(job_id, 'busy-miner');
    expect((await submit(key)).status).toBe(201);
  });

  test('may spend so much in a day, and goes on the next', async () => {
    const key = await coordinator.keyWith({ tier: 'thrifty' }, 'client');
    const miner = actions(coordinator, await coordinator.key('miner'));
    await miner.register('thrifty-miner', { capabilities: ['thrifty'] });
    const { job_id } = await actions(coordinator, key).submit({ model: 'thrifty' });
    await miner.claims('thrifty-miner');
    coordinator.moveClock({ seconds: 110 });
    await miner.complete(job_id, 'thrifty-miner');
    const refused = await submit(key);
    expect(refused).toMatchObject(refusal(429, 'RATE_QUOTA_EXCEEDED'));
    coordinator.moveClock({ seconds: expectRetryAfter(refused) });
    expect((await submit(key)).status).toBe(201);
  });

  test('has requests and tokens counted', async () => {
    const wordy = await coordinator.keyWith({ tier: 'wordy' }, 'client');
    expect((await submit(wordy, { params: { max_tokens: 900 } })).status).toBe(201);
    expect(await submit(wordy, { params: { max_tokens: 900 } })).toMatchObject(
      refusal(429, 'RATE_LIMIT_EXCEEDED'),
    );
    const chatty = await coordinator.keyWith({ tier: 'chatty' }, 'client');
    const statuses = [];
    for (let index = 0; index < 6; index++)
      statuses.push((await coordinator.call('GET', '/v1/jobs', undefined, { key: chatty })).status);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429]);
  });

  test('is told by the names of OpenAI on its routes, also when it is refused', async () => {
    const wordy = await coordinator.keyWith({ tier: 'wordy' }, 'client');
    await submit(wordy, { params: { max_tokens: 400 } });
    const models = (key: string) =>
      coordinator.call<{ error?: object }>('GET', '/v1/models', undefined, { key });
    const { headers } = await models(wordy);
    expect(headers.get('x-ratelimit-limit-requests')).toBe('1200000');
    expect(headers.get('x-ratelimit-limit-tokens')).toBe('1000');
    expect(Number(headers.get('x-ratelimit-remaining-tokens'))).toBeLessThanOrEqual(600);
    expect(headers.get('x-ratelimit-reset-tokens')).toMatch(/^\d+s$/);
    const chatty = await coordinator.keyWith({ tier: 'chatty' }, 'client');
    for (let index = 0; index < 5; index++) expect((await models(chatty)).status).toBe(200);
    const refused = await models(chatty);
    expect(refused).toMatchObject({ status: 429, body: { error: { code: 'rate_limit_exceeded' } } });
    expect(refused.headers.get('x-ratelimit-remaining-requests')).toBe('0');
    expect(refused.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
  });

  test('may have so many requests wait at once', async () => {
    const key = await coordinator.keyWith({ tier: 'patient' }, 'client');
    const { job_id } = await actions(coordinator, key).submit(job);
    const wait = () => coordinator.call<Problem>('GET', `/v1/jobs/${job_id}?wait=60`, undefined, { key });
    const both = [wait(), wait()];
    expectRetryAfter(await Promise.race(both));
    await actions(coordinator, key).cancel(job_id);
    expect((await Promise.all(both)).map(({ status }) => status).sort()).toEqual([200, 429]);
    expect((await wait()).status).toBe(200);
  });

  test('may have so many streams open at once, whatever others may', async () => {
    const key = await coordinator.keyWith({ tier: 'patient' }, 'client');
    const { job_id } = await actions(coordinator, key).submit(job);
    const listener = await listenTo(coordinator.url, job_id, { key });
    await listener.until('status');
    const path = `/v1/jobs/${job_id}/events`;
    const refused = await coordinator.call<Problem>('GET', path, undefined, { key });
    expect(refused).toMatchObject(refusal(429, 'RATE_LIMIT_EXCEEDED'));
    expectRetryAfter(refused);
    listener.disconnect();
  });

  test('is counted by its address where it has no key, in IPv6 by the network of a customer', async () => {
    const statuses: Record<string, number> = {};
    for (const address of [
      ...['198.51.100.7', '::ffff:198.51.100.7', '::ffff:c633:6407'],
      ...['2001:db8::1', '2001:db8:0:0:ffff::2', '2001:0DB8:0000:0000::3'],
      ...['2001:db8:0:1::1', '::1', '127.0.0.1'],
    ]) {
      const headers = { 'x-forwarded-for': address };
      statuses[address] = (await coordinator.call('GET', '/v1/miners', undefined, { headers })).status;
    }
    expect(Object.entries(statuses).filter(([, status]) => status === 429)).toEqual([
      ['::ffff:c633:6407', 429],
      ['2001:0DB8:0000:0000::3', 429],
    ]);
  });

  test('may store so much in inputs of jobs that have not ended', async () => {
    const key = await coordinator.keyWith({ tier: 'small' }, 'client');
    const prompt = 'x'.repeat(250_000);
    for (let index = 0; index < 4; index++) expect((await submit(key, { prompt })).status).toBe(201);
    expect(await submit(key, { prompt })).toMatchObject(refusal(403, 'STORAGE_QUOTA_EXCEEDED'));
    expect((await submit(key)).status).toBe(201);
  });

  test('may store so much in files and inputs together, and gets space with each that goes', async () => {
    const key = await coordinator.keyWith({ tier: 'small' }, 'client');
    const store = (text: string) =>
      coordinator.call<FileObject>('POST', '/v1/files', fileForm(text), { key });
    const { read } = coordinator.running.modules.store;
    expect((await store('x'.repeat(600_000))).status).toBe(200);
    const refused = await store('x'.repeat(600_000));
    expect([refused.status, refused.body]).toMatchObject([
      403,
      { error: { code: 'storage_quota_exceeded' } },
    ]);
    // What came of it goes with the next sweep.
    await coordinator.pass({ seconds: 1 });
    const prompt = 'x'.repeat(250_000);
    expect((await submit(key, { prompt })).status).toBe(201);
    expect(await submit(key, { prompt })).toMatchObject(refusal(403, 'STORAGE_QUOTA_EXCEEDED'));
    const small = await store('x'.repeat(150_000));
    expect(small.status).toBe(200);
    expect(await violations(read)).toEqual([]);
    await coordinator.call('DELETE', `/v1/files/${small.body.id}`, undefined, { key });
    await coordinator.pass({ seconds: 1 });
    expect((await store('y'.repeat(150_000))).status).toBe(200);
    expect(await violations(read)).toEqual([]);
  });

  test('has its batches paced, and none of their requests refused', async () => {
    const key = await coordinator.keyWith({ tier: 'queue' }, 'client');
    const lines = Array.from({ length: 5 }, (_, index) =>
      JSON.stringify({
        ...{ custom_id: `${index}`, method: 'POST', url: '/v1/completions' },
        body: { model: 'paced', prompt: `${index}` },
      }),
    );
    const file = await coordinator.call<FileObject>('POST', '/v1/files', fileForm(`${lines.join('\n')}\n`), {
      key,
    });
    const { body: batch } = await coordinator.call<Batch>('POST', '/v1/batches', newBatch(file.body.id), {
      key,
    });
    const miner = actions(coordinator, await coordinator.key('miner'));
    await miner.register('paced-miner', { capabilities: ['paced'] });
    for (let round = 0; round < 5; round++) {
      await coordinator.running.sweep();
      for (const { job_id } of await miner.claims('paced-miner', 8))
        await miner.complete(job_id, 'paced-miner');
    }
    await coordinator.running.sweep();
    const path = `/v1/batches/${batch.id}`;
    expect((await coordinator.call<Batch>('GET', path, undefined, { key })).body).toMatchObject({
      status: 'completed',
      request_counts: { total: 5, completed: 5, failed: 0 },
    });
    expect(await violations(coordinator.running.modules.store.read)).toEqual([]);
  });
});

describe('Coordinators that share a database', () => {
  const coordinators = withTwoInTurn({
    mode: 'keyed',
    tiers: { default: { jobs_per_second: 1, jobs_burst: 60 } } as never,
  });

  test('allow no more together than one alone', async () => {
    const key = await coordinators.key('client');
    const statuses = [];
    for (let index = 0; index < 62; index++)
      statuses.push(
        (await coordinators.call('POST', '/v1/jobs', { prompt: 'Hi', model: 'shared' }, { key })).status,
      );
    expect(statuses.filter(status => status === 201).length).toBe(60);
    expect(statuses.slice(-2)).toEqual([429, 429]);
  });
});

describe('Limits', () => {
  const open = withCoordinator(sqlite, {
    tiers: { default: { jobs_per_second: 1, jobs_burst: 1 } } as never,
  });

  test('do not hold where no key is needed', async () => {
    const { submit } = actions(open);
    for (let index = 0; index < 5; index++) await submit();
    const { headers } = await open.call('GET', '/v1/jobs');
    expect(headers.get('ratelimit')).toBeNull();
  });
});
