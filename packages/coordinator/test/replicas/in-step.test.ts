import type { Job } from '@aitbc/protocol';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Actions, actions, startTestCoordinator, type TestCoordinator } from '../harness/coordinator.ts';
import { createMigratedDatabase, postgresAt } from '../harness/engines.ts';
import { type Gate, openGate, type Said } from './gate.ts';

const WAIT = { timeout: 15_000 };

/** Two coordinators on a database: what one does, the other one has to hear of, on a way that has its troubles. */
let database: Client;
let gate: Gate;
let near: TestCoordinator;
let far: TestCoordinator;
let here: Actions;
let there: Actions;

beforeEach(async () => {
  const url = await createMigratedDatabase();
  database = new Client(url);
  await database.connect();
  gate = await openGate(url);
  near = await startTestCoordinator(postgresAt(`${gate.url}?application_name=near`), {
    databaseTimeoutSeconds: 1,
  });
  far = await startTestCoordinator(postgresAt(url), {
    data: near.running.config.data,
    databaseTimeoutSeconds: 2,
  });
  // Behind the sweeps of the start, and the notifications of those.
  for (const coordinator of [near, far]) await coordinator.pass({ seconds: 0 });
  [here, there] = [actions(near), actions(far)];
});
afterEach(async () => {
  gate.open();
  await near.stop();
  await far.stop();
  await gate.close();
  await database.end();
});

/** How many live miners the near one believes could run a job. */
const eligible = async ({ job_id }: Job) => (await here.job(job_id)).queue?.eligible_miners;
const untilEligible = (job: Job, miners: number) =>
  vi.waitUntil(async () => (await eligible(job)) === miners, WAIT);

const isListening = ({ by, on, text }: Said) =>
  by === 'coordinator' && on === 'listening' && text.includes('LISTEN');

describe('after its listening connection broke, a coordinator', () => {
  /** Ends the connection, and lets no other one through before `meanwhile` is over. */
  async function withoutListening(meanwhile: () => Promise<unknown>) {
    const refused = gate.hears(isListening);
    gate.rule(said => (isListening(said) ? 'cut' : 'pass'));
    await database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'near' AND query LIKE 'LISTEN%' AND datname = current_database()`,
    );
    await refused;
    await meanwhile();
    gate.open();
  }

  test('knows the miners that came and went meanwhile', async () => {
    const job = await here.submit();
    await there.register('goes');
    await untilEligible(job, 1);
    await withoutListening(async () => {
      await there.register('comes-1');
      await there.register('comes-2');
      await far.call('DELETE', '/v1/miners/goes');
    });
    await untilEligible(job, 2);
  });

  test('answers those who wait for a job that ended meanwhile', async () => {
    const { job_id } = await there.submit();
    const looked = gate.hears(({ by, text }) => by === 'database' && text.includes(job_id));
    const waiting = near.call<Job>('GET', `/v1/jobs/${job_id}?wait=30`);
    await looked;
    await withoutListening(() => there.cancel(job_id));
    expect((await waiting).body).toMatchObject({ status: 'cancelled' });
  });
});

describe('a coordinator', () => {
  test('notices that its listening connection is dead, though nobody says so', async () => {
    const job = await here.submit();
    let isDead = false;
    gate.rule(({ by, on }) => {
      // The next one lives.
      if (isDead || by === 'coordinator' || on !== 'listening') return 'pass';
      isDead = true;
      return 'hold';
    });
    await there.register('comes');
    await untilEligible(job, 1);
  });

  test('survives a notification that is not a coordinator’s', async () => {
    const job = await here.submit();
    for (const payload of ['', '{', '{}', 'null', '{"from":1,"events":[]}'])
      await database.query(`SELECT pg_notify('aitbc', $1)`, [payload]);
    await there.register('comes');
    await untilEligible(job, 1);
  });

  test('tells of more at once than a notification holds', async () => {
    const jobs = Array.from({ length: 500 }, () => ({ prompt: 'Hello', model: 'llama3.2', ttl_seconds: 60 }));
    const { body } = await far.call<{ jobs: Job[] }>('POST', '/v1/jobs/batch', { jobs });
    const last = body.jobs.at(-1)?.job_id;
    const looked = gate.hears(({ by, text }) => by === 'database' && text.includes(`${last}`));
    const waiting = near.call<Job>('GET', `/v1/jobs/${last}?wait=30`);
    await looked;
    await far.pass({ seconds: 60 });
    expect((await waiting).body).toMatchObject({ status: 'failed' });
  });

  test('believes the later of two changes, also where it hears of its own one last', async () => {
    const [job, other] = [await here.submit(), await here.submit({ model: 'other' })];
    await here.register('gpu');
    await untilEligible(job, 1);
    const isCommitted = ({ by, on, text }: Said) =>
      by === 'database' && on === 'writing' && text.includes('COMMIT');
    gate.rule(said => (isCommitted(said) ? 'hold' : 'pass'));
    const committed = gate.hears(isCommitted);
    const draining = near.call('POST', '/v1/miners/gpu/drain');
    await committed;
    await there.register('gpu', { capabilities: ['llama3.2', 'other'] });
    await untilEligible(other, 1);
    gate.open();
    await draining;
    await untilEligible(job, 1);
  });

  test('forgets nothing that it hears while it reads all miners', async () => {
    const job = await here.submit();
    await there.register('goes');
    await untilEligible(job, 1);
    const isRead = ({ by, on, text }: Said) => by === 'database' && on === 'reading' && text.includes('goes');
    let isHeld = false;
    gate.rule(said => {
      if (isHeld || !isRead(said)) return 'pass';
      isHeld = true;
      return 'hold';
    });
    const read = gate.hears(isRead);
    // What it can't read makes it read all.
    await database.query('NOTIFY aitbc');
    await read;
    await there.register('comes');
    await untilEligible(job, 2);
    await far.call('DELETE', '/v1/miners/goes');
    await untilEligible(job, 1);
    gate.open();
    await here.job(job.job_id);
    expect(await eligible(job)).toBe(1);
  });
});

describe('a coordinator that can not read at that moment', () => {
  test('reads all miners once more', async () => {
    const job = await here.submit();
    const isRead = ({ by, on, text }: Said) =>
      by === 'coordinator' && on === 'reading' && text.includes('from "miner"');
    // The miner that it hears of, and then all of them.
    let reads = 0;
    gate.rule(said => (isRead(said) && ++reads <= 2 ? 'cut' : 'pass'));
    await there.register('comes');
    await untilEligible(job, 1);
    expect(reads).toBe(3);
  });
});

describe('notifications', () => {
  const heard: string[] = [];
  const hears = (words: string) => vi.waitUntil(() => heard.some(payload => payload.includes(words)), WAIT);

  beforeEach(async () => {
    heard.length = 0;
    database.on('notification', ({ payload = '' }) => heard.push(payload));
    await database.query('LISTEN aitbc');
  });

  /** Whether what a coordinator does is told to nobody. */
  async function isSilent(coordinator: Actions, name: string) {
    await coordinator.register(name);
    await database.query(`SELECT pg_notify('aitbc', $1)`, [`"after ${name}"`]);
    await hears(`after ${name}`);
    return !heard.some(payload => payload.includes(`"id":"${name}"`));
  }

  test('are sent while another coordinator listens', async () => {
    await here.register('gpu');
    await hears('"id":"gpu"');
  });

  test('are not sent by who is alone', async () => {
    await far.stop();
    expect(await isSilent(here, 'gpu')).toBe(true);
  });

  test('are sent among those that are left when the first has gone', async () => {
    const third = await startTestCoordinator(postgresAt(gate.url), { data: near.running.config.data });
    await near.stop();
    await there.register('gpu');
    await hears('"id":"gpu"');
    await third.stop();
  });

  test('are not sent any more by who was second, once it is alone', async () => {
    await near.stop();
    let tries = 0;
    await vi.waitUntil(async () => await isSilent(there, `gpu-${++tries}`), WAIT);
  });
});
