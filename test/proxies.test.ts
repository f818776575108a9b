import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Job } from '@aitbc/protocol';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type RunningCoordinator, startCoordinator } from '../packages/coordinator/src/index.ts';
import { createMigratedDatabase } from '../packages/coordinator/test/harness/engines.ts';
import { requirement } from './requirement.ts';

/*
 * Zero-downtime restarts: two coordinators on one PostgreSQL behind a proxy restart one after the other under load, with
 * the configurations of `ops/proxy`. No request may fail.
 */

const PROXIES = join(import.meta.dirname, '../ops/proxy');

interface Proxy {
  program: string;
  file: string;
  /** Returns the arguments with which the program runs in the foreground on this configuration. */
  prepare(folder: string, configuration: string): Promise<string[]>;
}

const nginx: Proxy = {
  program: 'nginx',
  file: 'nginx.conf',
  async prepare(folder, configuration) {
    const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
    const paths = kinds.map(kind => `${kind}_temp_path ${folder}/${kind};`).join('\n');
    const text = `daemon off; pid ${folder}/pid; error_log ${folder}/error.log;
      events {} http { access_log off; ${paths}\n${configuration}\n}`;
    await writeFile(join(folder, 'nginx.conf'), text);
    return ['-p', folder, '-e', join(folder, 'error.log'), '-c', join(folder, 'nginx.conf')];
  },
};

const caddy: Proxy = {
  program: 'caddy',
  file: 'Caddyfile',
  async prepare(folder, configuration) {
    // Its administration would listen on a fixed port.
    await writeFile(join(folder, 'Caddyfile'), `{\n\tadmin off\n}\n${configuration}`);
    return ['run', '--config', join(folder, 'Caddyfile'), '--adapter', 'caddyfile'];
  },
};

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map(server => once(server, 'listening')));
  const ports = servers.map(server => (server.address() as { port: number }).port);
  for (const server of servers) server.close();
  return ports;
}

describe.each([nginx, caddy])('behind $program', ({ program, file, prepare }) => {
  let folder: string;
  let ports: number[];
  let running: RunningCoordinator[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'aitbc-proxy-'));
    ports = await freePorts(3);
    databaseUrl = await createMigratedDatabase();
    running = [await start(0), await start(1)];
  });
  afterAll(async () => {
    for (const coordinator of running) await coordinator.close();
    await rm(folder, { recursive: true });
  });

  let databaseUrl: string;
  const start = (index: number) =>
    startCoordinator({
      ...{ data: folder, databaseUrl, port: ports[index] ?? 0, logLevel: 'silent', stopDelaySeconds: 5 },
      mode: 'open',
    });

  async function startProxy(): Promise<string> {
    const [first, second, port] = ports;
    const configuration = (await readFile(join(PROXIES, file), 'utf8'))
      .replaceAll(':8000', `:${first}`)
      .replaceAll(':8001', `:${second}`)
      .replaceAll(':8080', `:${port}`);
    const child = spawn(program, await prepare(folder, configuration), {
      stdio: 'ignore',
      env: { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    });
    onTestFinished(async () => {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    });
    const url = `http://127.0.0.1:${port}`;
    await expect
      .poll(
        () =>
          fetch(`${url}/health`).then(
            ({ status }) => status,
            () => 0,
          ),
        { timeout: 20_000 },
      )
      .toBe(200);
    return url;
  }

  test('both coordinators restart under load, and no request fails', async context => {
    const isThere = await promisify(execFile)(program, [program === 'nginx' ? '-v' : 'version']).then(
      () => true,
      () => false,
    );
    requirement(context, isThere, `${program} is not installed`);
    const url = await startProxy();
    let isOver = false;
    const statuses = new Map<number, number>();

    async function call<Body>(path: string, init: RequestInit = {}): Promise<Body> {
      const response = await fetch(url + path, init);
      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
      const text = await response.text();
      // A proxy's own errors have no JSON.
      if (!response.ok) throw new Error(`${init.method ?? 'GET'} ${path} got ${response.status}: ${text}`);
      return JSON.parse(text) as Body;
    }

    async function client(name: string) {
      const ids: string[] = [];
      for (let number = 0; !isOver; number++) {
        const { job_id } = await call<Job>('/v1/jobs', {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'idempotency-key': `${name}-${number}` },
          body: JSON.stringify({ prompt: 'Hello', model: 'm' }),
        });
        ids.push(job_id);
        expect((await call<Job>(`/v1/jobs/${job_id}`)).job_id).toBe(job_id);
        // Requests are always under way, and leave the processor to those who restart.
        await delay(5);
      }
      return ids;
    }

    const clients = ['a', 'b', 'c', 'd'].map(client);
    for (const [index, coordinator] of running.entries()) {
      await coordinator.close();
      running[index] = await start(index);
      // The proxy sends requests to it again.
      const before = running[index].modules.metrics;
      await expect
        .poll(async () => (await before.text()).includes('route="/v1/jobs",status="2xx"'), {
          timeout: 20_000,
        })
        .toBe(true);
    }
    isOver = true;
    const ids = (await Promise.all(clients)).flat();
    expect([...statuses.keys()].sort()).toEqual([200, 201]);
    expect(new Set(ids).size).toBe(statuses.get(201));
  });
});
