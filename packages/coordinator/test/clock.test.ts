import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Miner, PublishedReceipt } from '@aitbc/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type PostgresServer, startPostgres } from '../../../test/postgres.ts';
import { requirement } from '../../../test/requirement.ts';
import { type ServerProcess, spawnServer } from './crash/server.ts';
import { actions, startTestCoordinator, type TestCoordinator } from './harness/coordinator.ts';
import { type Database, describeEachEngine, postgresAt, sqlite } from './harness/engines.ts';

/** It sets the clock that a process sees, by a file and while the process runs. The monotonic clock stays as it is. */
const LIBRARY = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/faketime/libfaketimeMT.so.1`;
const HOUR = 3600;
const POLL = { timeout: 30_000, interval: 200 };

describe.each(['sqlite', 'postgres'])('a clock that is set while a coordinator runs (%s)', engine => {
  let folder: string;
  let database: Database;
  let postgres: PostgresServer | undefined;
  let server: ServerProcess | undefined;
  let log = '';
  let aheadSeconds = 0;

  beforeAll(async () => {
    if (!existsSync(LIBRARY)) return;
    folder = await mkdtemp(join(tmpdir(), 'aitbc-clock-'));
    // PostgreSQL runs as another user.
    await chmod(folder, 0o755);
    await setClock(0);
    // Where there is a database server, the time is its own.
    if (engine === 'postgres') postgres = await startPostgres({ env: faked() });
    database = await (postgres ? postgresAt(await postgres.createDatabase()) : sqlite).prepare();
  });
  beforeEach(context => requirement(context, existsSync(LIBRARY), 'libfaketime: `apt-get install faketime`'));
  afterAll(async () => {
    await stop();
    await database?.remove();
    await postgres?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  const faked = () => ({
    LD_PRELOAD: LIBRARY,
    FAKETIME_TIMESTAMP_FILE: join(folder, 'clock'),
    FAKETIME_NO_CACHE: '1',
    DONT_FAKE_MONOTONIC: '1',
  });

  async function setClock(seconds: number): Promise<void> {
    aheadSeconds = seconds;
    await writeFile(join(folder, 'clock'), `${seconds < 0 ? '' : '+'}${seconds}\n`);
  }

  async function start(): Promise<TestCoordinator> {
    const fast = ['--lease-seconds', '3', '--miner-timeout-seconds', '5', '--sweep-seconds', '1'];
    const args = [...fast, '--ledger-interval', '1', '--log-level', 'warn'];
    server = spawnServer(database.options, { args, env: faked() });
    log = '';
    server.child.stdout?.on('data', text => {
      log += text;
    });
    const url = await server.listening;
    return { call: callerOf(url) } as unknown as TestCoordinator;
  }

  async function stop(): Promise<void> {
    server?.child.kill('SIGTERM');
    await server?.exited;
  }

  /** Seconds from now, by the clock as it is set, to a time in an answer. */
  const secondsTo = (time: string) => (Date.parse(time) - Date.now()) / 1000 - aheadSeconds;
  const warnings = () => log.match(/the clock was set [^:]*/g) ?? [];

  test('moves what is under way along, both ways and over a restart, and bills nothing for it', async () => {
    await setClock(30 * 24 * HOUR);
    let { submit, register, claim, complete, heartbeat, job } = actions(await start());
    const get = async <T>(path: string) =>
      (await (await fetch((await server?.listening) + path)).json()) as T;
    await register('silent');
    await register('live');
    const waiting = await submit({ model: 'of-nobody', ttl_seconds: HOUR });
    const lost = await submit();
    await claim(lost.job_id, 'silent');

    await setClock(0);
    await server?.says('the clock was set back');
    expect(secondsTo((await job(waiting.job_id)).expires_at)).toBeGreaterThan(HOUR - 60);
    expect(secondsTo((await job(waiting.job_id)).expires_at)).toBeLessThan(HOUR);
    await expect.poll(() => job(lost.job_id), POLL).toMatchObject({ status: 'pending', attempts: 1 });
    await expect.poll(() => get<Miner>('/v1/miners/silent'), POLL).toMatchObject({ status: 'offline' });
    await register('live');
    const done = await submit({ model: 'llama3.2', priority: 1 });
    await claim(done.job_id, 'live');
    const { receipt_id } = await complete(done.job_id, 'live');
    await expect
      .poll(() => get<PublishedReceipt>(`/v1/receipts/${receipt_id}`), POLL)
      .toMatchObject({ inclusion: { inclusionProof: expect.anything() } });
    expect(warnings()).toEqual([expect.stringMatching(/^the clock was set back by 259\d{4}/)]);

    const running = await submit({ model: 'llama3.2', priority: 1 });
    await claim(running.job_id, 'live');
    await setClock(5 * HOUR);
    await server?.says('the clock was set ahead');
    await heartbeat('live', [running.job_id]);
    expect(await job(running.job_id)).toMatchObject({ status: 'running', attempts: 1 });
    expect(await job(waiting.job_id)).toMatchObject({ status: 'pending' });
    expect(secondsTo((await job(waiting.job_id)).expires_at)).toBeGreaterThan(HOUR - 120);
    expect((await get<Miner>('/v1/miners/live')).status).toBe('online');
    const receipt = await complete(running.job_id, 'live');
    expect(receipt.duration_ms).toBeLessThan(60_000);
    expect(warnings()).toHaveLength(2);

    const held = await submit({ model: 'llama3.2', priority: 1 });
    await register('live');
    await claim(held.job_id, 'live');
    await stop();
    await setClock(-2 * HOUR);
    ({ submit, register, claim, complete, heartbeat, job } = actions(await start()));
    await server?.says('the clock was set back');
    expect(secondsTo((await job(waiting.job_id)).expires_at)).toBeLessThan(HOUR);
    expect(await job(waiting.job_id)).toMatchObject({ status: 'pending' });
    await expect.poll(() => job(held.job_id), POLL).toMatchObject({ status: 'pending', attempts: 1 });
    expect(warnings()).toHaveLength(1);
  }, 180_000);
});

/** Calls of a coordinator in a process of its own. */
function callerOf(url: string): TestCoordinator['call'] {
  return async (method, path, body) => {
    const response = await fetch(url + path, {
      method,
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    return { status: response.status, headers: response.headers, body: (await response.json()) as never };
  };
}

describeEachEngine('a coordinator whose clock is behind what its store holds', engine => {
  test('keeps what older jobs have left to live, and takes back what newer ones have too much', async () => {
    const coordinator = await startTestCoordinator(engine);
    const { submit, job } = actions(coordinator);
    const left = async (id: string) => (Date.parse((await job(id)).expires_at) - coordinator.now()) / 1000;
    const old = await submit({ ttl_seconds: 3 * HOUR });
    // The clock was ahead when the coordinator started, so that nothing tells it from an absence.
    await coordinator.restart({ seconds: HOUR });
    const replicated = await submit({
      ttl_seconds: HOUR,
      replication: 2,
      params: { temperature: 0, seed: 1 },
    });
    await coordinator.restart({ seconds: -HOUR });
    expect(await left(old.job_id)).toBe(3 * HOUR);
    expect(await left(replicated.job_id)).toBe(HOUR);
    await coordinator.pass({ seconds: HOUR - 1 });
    expect((await job(replicated.job_id)).status).toBe('pending');
    await coordinator.pass({ seconds: 2 });
    expect((await job(replicated.job_id)).status).toBe('failed');
    expect((await job(old.job_id)).status).toBe('pending');
    await coordinator.stop();
  });
});
