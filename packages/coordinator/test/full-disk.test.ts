import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { startPostgres } from '../../../test/postgres.ts';
import { createSmallDisk, type SmallDisk, withoutDisks } from '../../../test/small-disk.ts';
import { type RunningCoordinator, startCoordinator } from '../src/index.ts';
import { MAIN, spawnServer } from './crash/server.ts';
import { refusal } from './harness/answers.ts';
import type { DatabaseOptions } from './harness/engines.ts';

const WAIT = { timeout: 20_000, interval: 50 };
if (withoutDisks) console.warn(`Full disks are not tried: ${withoutDisks}`);

interface Scene {
  disk: SmallDisk;
  options: DatabaseOptions;
  end(): Promise<void>;
}

async function onSqlite(): Promise<Scene> {
  const disk = createSmallDisk({ megabytes: 8 });
  return { disk, options: { data: disk.path }, end: async () => disk.remove() };
}

/** The database is on the small disk; the server's log of writes is not. */
async function onPostgres(): Promise<Scene> {
  const server = await startPostgres();
  const client = new Client(server.url('postgres'));
  await client.connect();
  const { rows } = await client.query<{ data_directory: string }>('SHOW data_directory');
  const { uid } = await stat(rows[0]?.data_directory ?? '');
  const disk = createSmallDisk({ megabytes: 32, owner: uid });
  const keys = createSmallDisk({ megabytes: 1 });
  await client.query(`CREATE TABLESPACE small LOCATION '${disk.path}'`);
  await client.query('CREATE DATABASE small TABLESPACE small');
  await client.end();
  async function end() {
    await server.stop();
    disk.remove();
    keys.remove();
  }
  return { disk, options: { data: keys.path, databaseUrl: server.url('small') }, end };
}

const PROMPT = 'What is a full disk? '.repeat(1_000);

const submit = ({ url }: { url: string }, prompt = PROMPT) =>
  fetch(`${url}/v1/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt, model: 'llama3.2' }),
  });

const answerOf = async (response: Response) => ({
  status: response.status,
  headers: response.headers,
  body: (await response.json()) as { job_id: string; detail: string },
});

const readiness = async ({ url }: { url: string }) => (await fetch(`${url}/health/ready`)).status;

describe.skipIf(withoutDisks).each([
  ['sqlite', onSqlite],
  ['postgres', onPostgres],
])('a full disk (%s)', (_name, prepare) => {
  let scene: Scene;
  let running: RunningCoordinator;
  const log: { level: number; msg: string }[] = [];
  beforeAll(async () => {
    scene = await prepare();
    running = await startCoordinator({
      ...scene.options,
      port: 0,
      sweepSeconds: 0.2,
      ledgerInterval: 0.2,
      logLevel: 'info',
      logStream: { write: line => log.push(JSON.parse(line)) },
    });
  });
  afterAll(async () => {
    await stop();
    await scene?.end();
  });

  let isRunning = true;
  async function stop() {
    if (isRunning) await running?.close();
    isRunning = false;
  }

  /** Submits until that is refused, and answers what was accepted, and the refusal. */
  async function submitUntilRefused() {
    const accepted: string[] = [];
    for (;;) {
      const answer = await answerOf(await submit(running));
      if (answer.status !== 201) return { accepted, answer };
      accepted.push(answer.body.job_id);
    }
  }

  test('is said to clients, to load balancers and in the log, and is over when there is space', async () => {
    scene.disk.fill();
    const { accepted, answer } = await submitUntilRefused();
    expect(refusal(answer)).toEqual([503, 'SYSTEM_OVERLOADED']);
    expect(answer.headers.get('retry-after')).toBe('5');
    expect(answer.body.detail).toBe('The database has no space left');
    // Small writes are no proof of space either.
    const later = [];
    for (let asked = 0; asked < 4; asked++)
      later.push(await readiness(running), (await submit(running, 'Hi')).status);
    expect(new Set(later)).toEqual(new Set([503]));
    expect((await fetch(`${running.url}/health`)).status).toBe(200);

    scene.disk.free();
    await vi.waitUntil(async () => (await readiness(running)) === 200, WAIT);
    expect((await submit(running)).status).toBe(201);
    for (const id of accepted) expect((await fetch(`${running.url}/v1/jobs/${id}`)).status).toBe(200);
    await vi.waitUntil(() => log.some(({ msg }) => msg === 'the database takes writes again'), WAIT);
    const troubles = log.filter(({ level }) => level >= 40).map(({ msg }) => msg);
    expect(troubles).toContain('the database has no space left: nothing is stored until there is some');
    expect(troubles).toHaveLength(new Set(troubles).size);
  });

  test('keeps a coordinator from starting, which ends with one line', async () => {
    await stop();
    scene.disk.fill();
    onTestFinished(() => scene.disk.free());
    const server = spawnServer(scene.options);
    expect(await server.exited).toBe(2);
    expect(server.stderr().trim().split('\n')).toHaveLength(1);
    expect(server.stderr()).toMatch(/(disk is full|no space left|No space left)/);
  });
});

describe.skipIf(withoutDisks)('disks', () => {
  function smallDisk() {
    const disk = createSmallDisk({ megabytes: 8 });
    onTestFinished(() => disk.remove());
    return disk;
  }

  test('one that is read-only keeps a coordinator from starting, which ends with one line', async () => {
    const disk = smallDisk();
    await (await startCoordinator({ data: disk.path, port: 0, logLevel: 'silent' })).close();
    disk.makeReadOnly();
    const server = spawnServer({ data: disk.path });
    expect(await server.exited).toBe(2);
    expect(server.stderr().trim().split('\n')).toHaveLength(1);
    expect(server.stderr()).toMatch(/read-?only/);
  });

  test('one that is full of logs makes a coordinator unready and does not end it', async () => {
    const disk = smallDisk();
    const data = await mkdtemp(join(tmpdir(), 'aitbc-log-'));
    onTestFinished(() => rm(data, { recursive: true, force: true }));
    const file = join(disk.path, 'log');
    const log = openSync(file, 'a');
    disk.fill();
    const child = spawn(process.execPath, [MAIN, 'serve', '--port', '0', '--data', data], {
      stdio: ['ignore', log, 'pipe'],
    });
    closeSync(log);
    onTestFinished(async () => {
      child.kill('SIGKILL');
      await once(child, 'close');
    });
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', text => {
      said += text;
    });
    const url = await vi.waitUntil(() => /listens on (http:\S+?),/.exec(said)?.[1], WAIT);
    const unready = await fetch(`${url}/health/ready`);
    expect([unready.status, await unready.json()]).toEqual([
      503,
      expect.objectContaining({ detail: "The coordinator can't serve as it should: log" }),
    ]);
    expect((await submit({ url })).status).toBe(201);
    disk.free();
    await vi.waitUntil(async () => (await readiness({ url })) === 200, WAIT);
    expect(await readFile(file, 'utf8')).toContain(url);
  });
});
