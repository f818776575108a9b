import type { Job, JobSummary } from '@aitbc/protocol';
import { Client } from 'pg';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
  vi,
} from 'vitest';
import { type PostgresServer, startPostgres } from '../../../../test/postgres.ts';
import type { StartOptions } from '../../src/index.ts';
import { refusal } from '../harness/answers.ts';
import { actions, startTestCoordinator, type TestCoordinator } from '../harness/coordinator.ts';
import { createMigratedDatabase, postgresAt } from '../harness/engines.ts';
import { prepareScene, REQUESTS, requestRoute, type Scene } from '../harness/scenes.ts';
import { type Gate, openGate } from './gate.ts';

const WAIT = { timeout: 15_000 };
const ready = async (coordinator: TestCoordinator) =>
  (await coordinator.call('GET', '/health/ready')).status === 200;

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

describe('while PostgreSQL is away', () => {
  let coordinator: TestCoordinator;
  const scenes = new Map<string, Scene>();

  beforeAll(async () => {
    coordinator = await startTestCoordinator(postgresAt(await server.createDatabase()));
    for (const route of Object.keys(REQUESTS)) scenes.set(route, await prepareScene(coordinator, route));
    await server.kill();
  });
  afterAll(async () => {
    await coordinator.stop();
    await server.restart();
  });

  const STORELESS = [
    'GET /health',
    'GET /ledger/vkey',
    'GET /ledger/policy',
    'GET /v1/webhooks/key',
    'GET /explorer/blocks',
    'GET /explorer/transactions',
  ];
  const withStore = Object.keys(REQUESTS).filter(route => !STORELESS.includes(route));

  test.each(withStore)('%s answers 503, and when to try again', async route => {
    const scene = scenes.get(route) as Scene;
    const answer = await requestRoute(coordinator, route, scene, scene.caller);
    expect(refusal(answer)).toEqual([503, expect.stringMatching(/^system_overloaded$/i)]);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  test('the process is healthy: restarting it would help nobody', async () => {
    expect((await coordinator.call('GET', '/health')).status).toBe(200);
  });
});

describe('when PostgreSQL is back', () => {
  let coordinator: TestCoordinator;

  beforeEach(async () => {
    coordinator = await startTestCoordinator(postgresAt(await server.createDatabase()));
  });
  afterEach(() => coordinator.stop());

  test('its coordinator goes on by itself with all that was acknowledged', async () => {
    const { submit, register, claims, complete, job } = actions(coordinator);
    const submitted = await submit();
    await register('gpu');
    await server.kill();
    const lost = await coordinator.call('POST', '/v1/jobs', { prompt: 'Hello', model: 'llama3.2' });
    expect(lost.status).toBe(503);
    await server.restart();
    await vi.waitUntil(() => ready(coordinator), WAIT);
    const claimed = await vi.waitFor(() => claims('gpu', 10), WAIT);
    expect(claimed.map(({ job_id }) => job_id)).toEqual([submitted.job_id]);
    await complete(submitted.job_id, 'gpu');
    expect(await job(submitted.job_id)).toMatchObject({ status: 'completed' });
  });

  test('after a restart that nobody noticed the first requests are served', async () => {
    const { submit, job } = actions(coordinator);
    const { job_id } = await submit();
    await Promise.all(Array.from({ length: 20 }, () => job(job_id)));
    await server.restart();
    const jobs = await Promise.all(Array.from({ length: 20 }, () => job(job_id)));
    expect(jobs).toHaveLength(20);
    await submit();
  });
});

describe('a connection that breaks', () => {
  let gate: Gate;
  let coordinator: TestCoordinator;

  beforeEach(async () => {
    const url = await createMigratedDatabase();
    gate = await openGate(url);
    coordinator = await startTestCoordinator(postgresAt(gate.url));
    // Behind the sweep and the publication of the start, whose commits it would be otherwise.
    await coordinator.pass({ seconds: 0 });
    await coordinator.publish();
  });
  afterEach(async () => {
    await coordinator.stop();
    await gate.close();
  });

  const post = (key: string) =>
    coordinator.call<Job>(
      'POST',
      '/v1/jobs',
      { prompt: 'Hello', model: 'llama3.2' },
      { headers: { 'idempotency-key': key } },
    );
  const jobIds = async () =>
    (await coordinator.call<JobSummary[]>('GET', '/v1/jobs')).body.map(({ job_id }) => job_id);

  /** Breaks the writing connection once: when it asks to commit, or when it would hear that it has committed. */
  function breakAtCommit(what: 'request' | 'answer') {
    let isBroken = false;
    gate.rule(({ by, on, text }) => {
      if (isBroken || on !== 'writing' || !text.includes('COMMIT')) return 'pass';
      isBroken = by === (what === 'request' ? 'coordinator' : 'database');
      return isBroken ? 'cut' : 'pass';
    });
  }

  test('before a commit undoes the request, which is then repeated', async () => {
    breakAtCommit('request');
    expect(refusal(await post('key'))).toEqual([503, 'SYSTEM_OVERLOADED']);
    expect(await jobIds()).toEqual([]);
    expect((await post('key')).status).toBe(201);
    expect(await jobIds()).toHaveLength(1);
  });

  test('after a commit leaves the request done, and repeating it does nothing', async () => {
    breakAtCommit('answer');
    expect(refusal(await post('key'))).toEqual([503, 'SYSTEM_OVERLOADED']);
    const made = await jobIds();
    const repeated = await post('key');
    expect([repeated.status, [repeated.body.job_id]]).toEqual([201, made]);
    expect(repeated.headers.get('idempotent-replayed')).toBe('true');
    expect(await jobIds()).toEqual(made);
  });

  test('after a commit whose answer is lost, what it changed is known all the same', async () => {
    const { submit, register } = actions(coordinator);
    await register('gpu');
    breakAtCommit('answer');
    expect((await coordinator.call('DELETE', '/v1/miners/gpu')).status).toBe(503);
    const { queue } = await vi.waitFor(() => submit(), WAIT);
    expect(queue).toBeDefined();
    await vi.waitUntil(async () => (await submit()).queue?.reason !== null, WAIT);
  });

  test('and can not be made again is not tried for each request', async () => {
    let attempts = 0;
    gate.rule(({ by, text }) => {
      if (by === 'coordinator' && text.includes('application_name')) attempts++;
      return 'cut';
    });
    for (let count = 0; count < 100; count++) expect((await post('key')).status).toBe(503);
    expect(attempts).toBeLessThan(50);
  });

  test('while many read takes nothing else with it', async () => {
    const { submit, job } = actions(coordinator);
    const { job_id } = await submit();
    gate.rule(({ by, on }) => (by === 'database' && on === 'reading' ? 'cut' : 'pass'));
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => coordinator.call('GET', `/v1/jobs/${job_id}`)),
    );
    expect(answers.map(refusal)).toEqual(Array(20).fill([503, 'SYSTEM_OVERLOADED']));
    gate.open();
    expect(await job(job_id)).toMatchObject({ job_id });
  });
});

describe('a database that says nothing any more', () => {
  let gate: Gate;
  let coordinator: TestCoordinator;

  beforeEach(async () => {
    const url = await createMigratedDatabase();
    gate = await openGate(url);
    coordinator = await startTestCoordinator(postgresAt(gate.url), { databaseTimeoutSeconds: 1 });
  });
  afterEach(async () => {
    await coordinator.stop();
    await gate.close();
  });

  test('is given up in time, and heard again when it speaks', async () => {
    const { submit } = actions(coordinator);
    const { job_id } = await submit();
    gate.rule(() => 'hold');
    const answers = await Promise.all([
      coordinator.call('POST', '/v1/jobs', { prompt: 'Hello', model: 'llama3.2' }),
      coordinator.call('GET', `/v1/jobs/${job_id}`),
      coordinator.call('GET', '/health/ready'),
    ]);
    expect(answers.map(refusal)).toEqual(Array(3).fill([503, 'SYSTEM_OVERLOADED']));
    expect((await coordinator.call('GET', '/health')).status).toBe(200);
    gate.open();
    await vi.waitUntil(() => ready(coordinator), WAIT);
    await vi.waitFor(() => submit(), WAIT);
  });
});

describe('a statement that takes too long', () => {
  test('is given up by the server as well', async () => {
    const url = await createMigratedDatabase();
    const coordinator = await startTestCoordinator(postgresAt(url), { databaseTimeoutSeconds: 1 });
    const locking = new Client(url);
    await locking.connect();
    onTestFinished(async () => {
      await locking.end();
      await coordinator.stop();
    });
    const { submit, job } = actions(coordinator);
    const { job_id } = await submit();
    await locking.query('BEGIN; LOCK TABLE job');
    const answers = await Promise.all([
      coordinator.call('POST', '/v1/jobs', { prompt: 'Hello', model: 'llama3.2' }),
      coordinator.call('GET', `/v1/jobs/${job_id}`),
    ]);
    expect(answers.map(refusal)).toEqual(Array(2).fill([503, 'SYSTEM_OVERLOADED']));
    const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    await vi.waitUntil(async () => (await locking.query(waiting)).rowCount === 0, WAIT);
    await locking.query('ROLLBACK');
    expect(await job(job_id)).toMatchObject({ job_id });
    await vi.waitFor(() => submit(), WAIT);
  });
});

describe('the log', () => {
  test('says once that the database is away, and once that it is back', async () => {
    const gate = await openGate(await createMigratedDatabase());
    const lines: { level: number; msg: string }[] = [];
    const logStream = { write: (line: string) => void lines.push(JSON.parse(line)) };
    const options: StartOptions = { logLevel: 'info', logStream, sweepSeconds: 0.05 };
    const coordinator = await startTestCoordinator(postgresAt(gate.url), options);
    onTestFinished(async () => {
      await coordinator.stop();
      await gate.close();
    });
    const { submit } = actions(coordinator);
    const { job_id } = await submit();
    const before = lines.length;
    let refused = 0;
    gate.rule(({ by }) => (by === 'coordinator' ? 'cut' : 'pass'));
    await vi.waitUntil(async () => {
      const { status } = await coordinator.call('GET', `/v1/jobs/${job_id}`);
      await coordinator.call('GET', '/health/ready');
      if (status === 503) refused++;
      return refused > 30 && lines.length > before;
    }, WAIT);
    gate.open();
    await vi.waitUntil(() => lines.at(-1)?.msg.includes('again'), WAIT);
    expect(lines.slice(before).map(({ msg }) => msg)).toEqual([
      'the database does not answer',
      'the database answers again',
    ]);
  });
});
