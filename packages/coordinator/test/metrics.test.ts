import { describe, expect, test } from 'vitest';
import { readTiers } from '../src/limits/tiers.ts';
import { METRICS, MODEL_LABELS } from '../src/metrics/catalogue.ts';
import { readListenAddress } from '../src/metrics/listener.ts';
import { createModelLabels, topModels } from '../src/metrics/model-labels.ts';
import {
  actions,
  startTestCoordinator,
  type TestCoordinator,
  withCoordinator,
} from './harness/coordinator.ts';
import { describeEachEngine, describeOneEngine, sqlite } from './harness/engines.ts';
import { parseMetrics } from './harness/metrics.ts';

/** Scrapes with a key, and returns what `name` of the coordinator's own metrics is. */
async function scrape(coordinator: TestCoordinator, key: string) {
  const answer = await coordinator.call<string>('GET', '/metrics', undefined, { key });
  expect([answer.status, answer.headers.get('content-type')]).toEqual([
    200,
    'text/plain; version=0.0.4; charset=utf-8',
  ]);
  const values = parseMetrics(answer.body);
  return (name: string) => values.get(name);
}

const LIMITED_TIERS = readTiers({ default: { jobs_per_second: 1, jobs_burst: 4, pending: 3 } });

describeEachEngine('the metrics', engine => {
  const coordinator = withCoordinator(engine, { mode: 'keyed' });

  test('tell where jobs and miners are, and what became of them', async () => {
    const key = await coordinator.key('metrics');
    const client = actions(coordinator, await coordinator.key('client'));
    const owner = actions(coordinator, await coordinator.key('miner'));
    const first = await client.submit({ model: 'tell', stream: true, max_attempts: 2 });
    coordinator.moveClock({ seconds: 40 });
    await client.submit({ model: 'tell' });
    await client.submit({ model: 'nobody-has-it' });
    coordinator.moveClock({ seconds: 2 });
    let value = await scrape(coordinator, key);
    expect(value('aitbc_queue_depth{model="tell"}')).toBe(2);
    expect(value('aitbc_queue_oldest_seconds{model="tell"}')).toBe(42);
    expect(value('aitbc_queue_oldest_seconds{model="nobody-has-it"}')).toBe(2);
    expect(value('aitbc_miners{state="online"}')).toBe(0);

    await owner.register('teller', { capabilities: ['tell', 'another'] });
    await client.submit({ model: 'tell', priority: -1 });
    const [job] = await owner.claims('teller');
    expect(job?.job_id).toBe(first.job_id);
    coordinator.moveClock({ seconds: 1 });
    await owner.chunks(first.job_id, 'teller', ['Hel']);
    coordinator.moveClock({ seconds: 3 });
    const usage = { prompt_tokens: 5, completion_tokens: 7 };
    await owner.complete(first.job_id, 'teller', 'Hello, you!', { usage });
    value = await scrape(coordinator, key);
    expect(value('aitbc_queue_depth{model="tell"}')).toBe(2);
    expect(value('aitbc_miners{state="online"}')).toBe(1);
    expect(value('aitbc_model_miners{model="another",state="online"}')).toBe(1);
    expect(value('aitbc_jobs_submitted_total')).toBe(4);
    expect(value('aitbc_jobs_ended_total{status="completed"}')).toBe(1);
    expect(value('aitbc_job_claim_wait_seconds_sum{model="tell"}')).toBe(42);
    const of = '{gen_ai_request_model="tell"}';
    expect(value(`gen_ai_server_request_duration_seconds_sum${of}`)).toBe(4);
    expect(value(`gen_ai_server_time_to_first_token_seconds_sum${of}`)).toBe(1);
    expect(value(`gen_ai_server_time_per_output_token_seconds_sum${of}`)).toBe(0.5);
    const output = 'gen_ai_client_token_usage_sum{gen_ai_request_model="tell",gen_ai_token_type="output"}';
    expect(value(output)).toBe(7);
    expect(value('aitbc_credits_moved_total{type="receipt"}')).toBeGreaterThan(0);
    expect(value('aitbc_ledger_lag_entries')).toBe(1);
    coordinator.moveClock({ seconds: 9 });
    expect((await scrape(coordinator, key))('aitbc_ledger_lag_seconds')).toBe(9);
    await coordinator.publish();
    value = await scrape(coordinator, key);
    expect([value('aitbc_ledger_lag_entries'), value('aitbc_ledger_lag_seconds')]).toEqual([0, 0]);
    expect(value('aitbc_ledger_conflict')).toBe(0);
    expect(value('aitbc_store_batch_size_count')).toBeGreaterThan(0);
    const engineName = engine.name === 'sqlite' ? 'sqlite' : 'postgresql';
    expect(value(`aitbc_build_info{version="0.2.0",engine="${engineName}"}`)).toBe(1);
  });

  test('count attempts that failed, leases that ran out, and jobs that failed for it', async () => {
    const key = await coordinator.key('metrics');
    const client = actions(coordinator, await coordinator.key('client'));
    const owner = actions(coordinator, await coordinator.key('miner'));
    const before = await scrape(coordinator, key);
    await owner.register('fails', { capabilities: ['fails'] });
    const { job_id } = await client.submit({ model: 'fails', max_attempts: 2 });
    await owner.claims('fails');
    await owner.fail(job_id, 'fails', { error_class: 'broken' });
    await coordinator.pass({ seconds: 600 });
    await owner.register('silent', { capabilities: ['fails'] });
    expect(await owner.claims('silent')).toHaveLength(1);
    await coordinator.pass({ seconds: 300 });
    const value = await scrape(coordinator, key);
    const grown = (name: string) => (value(name) ?? 0) - (before(name) ?? 0);
    expect(grown('aitbc_job_retries_total')).toBe(1);
    expect(grown('aitbc_lease_expirations_total{reason="silent"}')).toBe(1);
    expect(grown('aitbc_jobs_failed_total{error_code="LEASE_EXPIRED",error_class="none"}')).toBe(1);
    expect(grown('aitbc_jobs_ended_total{status="failed"}')).toBe(1);
    expect(value('aitbc_miners{state="offline"}')).toBeGreaterThanOrEqual(1);
  });
});

describeOneEngine('the metrics of requests', engine => {
  const coordinator = withCoordinator(engine, { mode: 'keyed', tiers: LIMITED_TIERS });

  test('count by the pattern of the route, the status and the limit that rejected', async () => {
    const key = await coordinator.key('metrics');
    const client = await coordinator.key('client');
    const call = (method: string, path: string, body?: unknown) =>
      coordinator.call(method, path, body, { key: client });
    const submit = () => call('POST', '/v1/jobs', { prompt: 'Hello', model: 'm' });
    await call('GET', '/v1/jobs/one');
    await call('GET', '/v1/jobs/two');
    await call('GET', '/no/such/route');
    const statuses = [];
    for (let number = 0; number < 5; number++) statuses.push((await submit()).status);
    expect(statuses).toEqual([201, 201, 201, 429, 429]);
    const value = await scrape(coordinator, key);
    const requests = (method: string, route: string, status: string) =>
      value(
        `aitbc_http_request_duration_seconds_count{method="${method}",route="${route}",status="${status}"}`,
      );
    expect(requests('GET', '/v1/jobs/:id', '4xx')).toBe(2);
    expect(requests('GET', 'unknown', '4xx')).toBe(1);
    expect(requests('POST', '/v1/jobs', '2xx')).toBe(3);
    expect(value('aitbc_limit_rejections_total{limit="pending"}')).toBe(1);
    expect(value('aitbc_limit_rejections_total{limit="jobs"}')).toBe(1);
    // The scrape itself.
    expect(value('aitbc_http_requests_in_flight')).toBe(1);
  });

  test('count a caller that leaves before the answer', async () => {
    const key = await coordinator.key('metrics');
    const owner = await coordinator.key('miner');
    await actions(coordinator, owner).register('leaves', { capabilities: ['leaves'] });
    const leaving = new AbortController();
    const path = '/v1/miners/leaves/claims';
    const { url } = coordinator;
    const waiting = fetch(new URL(path, url), {
      method: 'POST',
      headers: { 'x-api-key': owner, 'content-type': 'application/json' },
      body: JSON.stringify({ max: 1, wait: 20 }),
      signal: leaving.signal,
    });
    await expect.poll(async () => (await scrape(coordinator, key))('aitbc_http_requests_in_flight')).toBe(2);
    leaving.abort();
    await expect(waiting).rejects.toThrow();
    const name = `aitbc_http_request_duration_seconds_count{method="POST",route="/v1/miners/:id/claims",status="aborted"}`;
    await expect.poll(async () => (await scrape(coordinator, key))(name)).toBe(1);
  });
});

describe('the separate listener', () => {
  test('serves the metrics without a key, and nothing else', async () => {
    const coordinator = await startTestCoordinator(sqlite, { mode: 'keyed', metricsListen: '127.0.0.1:0' });
    const { url } = coordinator.running.modules.metrics.listener ?? { url: '' };
    const answer = await fetch(url);
    expect(parseMetrics(await answer.text()).get('aitbc_http_requests_in_flight')).toBe(0);
    expect((await fetch(new URL('/v1/stats', url))).status).toBe(404);
    expect((await fetch(url, { method: 'POST' })).status).toBe(405);
    await coordinator.stop();
    await expect(fetch(url)).rejects.toThrow();
  });

  test.each([
    ['9464', '127.0.0.1', 9464],
    [':9464', '127.0.0.1', 9464],
    ['0.0.0.0:1', '0.0.0.0', 1],
    ['[::1]:9464', '::1', 9464],
    ['monitor.example:80', 'monitor.example', 80],
  ])('listens on %s', (address, host, port) => {
    expect(readListenAddress(address)).toEqual({ host, port });
  });

  test.each(['', 'localhost', '1.2.3.4:', '::1:80', '127.0.0.1:70000'])('refuses %j', address => {
    expect(() => readListenAddress(address)).toThrow('--metrics-listen must be HOST:PORT or a port');
  });

  test('fails at the start where the address is taken', async () => {
    const coordinator = await startTestCoordinator(sqlite, { metricsListen: '127.0.0.1:0' });
    const { host } = new URL(coordinator.running.modules.metrics.listener?.url ?? '');
    await expect(startTestCoordinator(sqlite, { metricsListen: host })).rejects.toThrow(
      `--metrics-listen ${host} can't be used`,
    );
    await coordinator.stop();
  });
});

describe('labels of models', () => {
  test('are as many as the first models, and one for all others', () => {
    const label = createModelLabels();
    const labels = Array.from({ length: 10_000 }, (_, number) => label(`model-${number}`));
    expect(new Set(labels).size).toBe(MODEL_LABELS + 1);
    expect([label('model-3'), label('model-9999')]).toEqual(['model-3', 'other']);
  });

  test('are those of the largest where all are known', () => {
    const values = new Map(Array.from({ length: 100 }, (_, number) => [`model-${number}`, number]));
    const top = topModels(
      values,
      value => value,
      (a, b) => a + b,
    );
    expect([top.size, top.get('model-99'), top.get('model-3')]).toEqual([MODEL_LABELS + 1, 99, undefined]);
    expect(top.get('other')).toBe((49 * 50) / 2);
  });
});

test('every metric has a name of its own, a unit, and a help that is a sentence', () => {
  const names = Object.values(METRICS).map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, kind, help } of Object.values(METRICS)) {
    expect(name).toMatch(/^(aitbc|gen_ai)_[a-z_]+$/);
    expect(name.endsWith('_total'), name).toBe(kind === 'counter');
    expect(help).toMatch(/^[A-Z].*[^.]$/);
  }
});
