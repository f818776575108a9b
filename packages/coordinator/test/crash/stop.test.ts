import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createTestDatabase } from '../../../../test/postgres.ts';
import { type Database, type DatabaseOptions, describeEachEngine } from '../harness/engines.ts';
import { MAIN, type ServerOptions, type ServerProcess, spawnServer } from './server.ts';

let data: string;
const servers: ServerProcess[] = [];

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'aitbc-stop-'));
});
afterEach(async () => {
  await killServers();
  await rm(data, { recursive: true, force: true });
});

async function killServers(): Promise<void> {
  for (const { child, exited } of servers.splice(0)) {
    child.kill('SIGKILL');
    await exited;
  }
}

function serve(options: ServerOptions = {}, database: DatabaseOptions = { data }): ServerProcess {
  const server = spawnServer(database, options);
  servers.push(server);
  return server;
}

const post = (url: string, body: object) =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

const JOB = JSON.stringify({ prompt: 'Hello', model: 'llama3.2' });

/** A submission of which the server has the head and waits for the body. */
async function beginSubmission(url: string): Promise<ClientRequest> {
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(JOB),
    expect: '100-continue',
  };
  const submission = request(`${url}/v1/jobs`, { method: 'POST', headers, agent: false });
  submission.flushHeaders();
  await once(submission, 'continue');
  return submission;
}

async function answerTo(submission: ClientRequest): Promise<{ status: number | undefined; body: string }> {
  const [response]: IncomingMessage[] = await once(submission, 'response');
  const body = (await Array.fromAsync(response ?? [])).join('');
  return { status: response?.statusCode, body };
}

async function isRefused(url: string): Promise<boolean> {
  try {
    await fetch(`${url}/health`, { headers: { connection: 'close' } });
    return false;
  } catch {
    return true;
  }
}

describeEachEngine('a server', engine => {
  let database: Database;

  beforeEach(async () => {
    database = await engine.prepare();
  });
  afterEach(async () => {
    await killServers();
    await database.remove();
  });

  const serveIt = (options: ServerOptions = {}) => serve(options, database.options);

  // The drain below is on SIGTERM.
  test.runIf(engine.name === 'sqlite')('on SIGINT an idle server ends with 0', async () => {
    const server = serveIt();
    await fetch(`${await server.listening}/health`);
    server.child.kill('SIGINT');
    expect(await server.exited).toBe(0);
  });

  test('on SIGTERM answers what is in flight, and accepts nothing new', async () => {
    const server = serveIt();
    const url = await server.listening;
    const submission = await beginSubmission(url);
    server.child.kill('SIGTERM');
    await server.says('SIGTERM: finishing requests under way');
    await expect.poll(() => isRefused(url), { timeout: 30_000 }).toBe(true);
    submission.end(JOB);
    const { status, body } = await answerTo(submission);
    expect(status).toBe(201);
    expect(await server.exited).toBe(0);

    const { job_id } = JSON.parse(body);
    const again = await serveIt().listening;
    expect(await (await fetch(`${again}/v1/jobs/${job_id}`)).json()).toMatchObject({ status: 'pending' });
  });

  test('answers those who wait with what there is, when it stops', async () => {
    const server = serveIt({ args: ['--log-level', 'debug'] });
    const url = await server.listening;
    await post(`${url}/v1/miners/register`, { miner_id: 'waits', capabilities: ['llama3.2'] });
    const { job_id } = await (await post(`${url}/v1/jobs`, { prompt: 'Hello', model: 'other' })).json();
    const paths = ['/v1/jobs/available?miner_id=waits&wait=30', `/v1/jobs/${job_id}?wait=30`];
    const answers = paths.map(async path => await (await fetch(url + path)).json());
    for (const path of paths) await server.says(`"url":"${path}"`);
    server.child.kill('SIGTERM');
    expect(await Promise.all(answers)).toEqual([
      null,
      expect.objectContaining({ job_id, status: 'pending' }),
    ]);
    expect(await server.exited).toBe(0);
  });
});

describe('a request that never ends', () => {
  async function stalled(options: ServerOptions = {}) {
    const server = serve(options);
    const submission = await beginSubmission(await server.listening);
    submission.on('error', () => {});
    server.child.kill('SIGTERM');
    await server.says('SIGTERM: finishing');
    return server;
  }

  test.each(['SIGTERM', 'SIGINT'] as const)('is given up on a second signal, %s', async signal => {
    const server = await stalled();
    server.child.kill(signal);
    expect(await server.exited).toBe(1);
    expect(server.stderr()).toContain(`${signal}: leaving requests unanswered`);
  });

  test('is given up when the drain limit is over', async () => {
    const server = await stalled({ args: ['--drain-seconds', '1'] });
    expect(await server.exited).toBe(1);
    expect(server.stderr()).toContain('Not finished after 1 s');
  });
});

// Its messages are tested in packages/cli/test/serve-failing.test.ts: here nothing may keep the process alive.
describe('a server that can not start ends with 2', () => {
  async function failure(options: ServerOptions, database: DatabaseOptions = { data }): Promise<string> {
    const server = serve(options, database);
    expect(await server.exited).toBe(2);
    return server.stderr();
  }

  test('before its store is opened', async () => {
    expect(await failure({ args: ['--prot', '80'] })).toContain("unknown option '--prot'");
  });

  test('when its store is open, with a thread that writes', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const stderr = await failure({ args: ['--port', String(port)] });
    expect(stderr).toContain(`127.0.0.1:${port}: another program listens there, choose another --port`);
    other.close();
  });

  test('when its store is open, with connections to PostgreSQL', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { url: databaseUrl } = await createTestDatabase();
    const stderr = await failure({ args: ['--port', String(port)] }, { data, databaseUrl });
    expect(stderr).toContain(`127.0.0.1:${port}: another program listens there, choose another --port`);
    other.close();
  });

  test('when PostgreSQL has no such database', async () => {
    const { url } = await createTestDatabase();
    const databaseUrl = Object.assign(new URL(url), { pathname: 'nowhere' }).href;
    expect(await failure({}, { data, databaseUrl })).toContain('database "nowhere" does not exist');
  });
});

test('on an address that others reach it demands a key, and the command that it prints makes one', async () => {
  const server = serve({ args: ['--host', '0.0.0.0'] });
  const url = await server.listening;
  expect((await fetch(`${url}/v1/jobs`)).status).toBe(401);
  const command = /`npx aitbc (keys create [^`]*)`/.exec(server.stderr())?.[1] ?? '';
  const argv = command.split(' ').map(word => word.replaceAll("'", ''));
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, ...argv]);
  const key = /aitbc_\S+/.exec(stdout)?.[0] ?? '';
  expect((await fetch(`${url}/v1/jobs`, { headers: { 'x-api-key': key } })).status).toBe(200);
});

/** Run before the program, it makes each sync of a file fail once a certain file is there. */
const FAIL_SYNCS = `
  import fs from 'node:fs';
  import { syncBuiltinESMExports } from 'node:module';
  const { fdatasync } = fs;
  fs.fdatasync = (file, done) =>
    fs.existsSync(process.env.FAIL_SYNCS) ? done(new Error('EIO: i/o error')) : fdatasync(file, done);
  syncBuiltinESMExports();
`;

test('a server whose disk fails to sync acknowledges nothing, ends, and says so', async () => {
  const file = join(data, 'fail-syncs');
  const preload = `--import=data:text/javascript,${encodeURIComponent(FAIL_SYNCS)}`;
  const server = serve({ env: { NODE_OPTIONS: preload, FAIL_SYNCS: file } });
  const url = await server.listening;
  const job = { prompt: 'Hello', model: 'llama3.2' };
  expect((await post(`${url}/v1/jobs`, job)).status).toBe(201);
  await writeFile(file, '');
  const answer = await post(`${url}/v1/jobs`, job).catch(() => undefined);
  expect(answer?.status).not.toBe(201);
  expect(await server.exited).toBe(1);
  expect(server.stderr()).toContain('The write-ahead log could not be synced');
});
