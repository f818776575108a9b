import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { IGNORED, startPgBouncer } from '../../../../test/pgbouncer.ts';
import { createTestDatabase, startPostgres } from '../../../../test/postgres.ts';
import { type RunningCoordinator, startCoordinator } from '../../src/index.ts';
import { execute } from '../harness/engines.ts';

async function start(databaseUrl: string): Promise<RunningCoordinator> {
  const data = await mkdtemp(join(tmpdir(), 'aitbc-unfit-'));
  onTestFinished(() => rm(data, { recursive: true, force: true }));
  const options = { data, databaseUrl, port: 0, logLevel: 'silent', databaseTimeoutSeconds: 5 } as const;
  const coordinator = await startCoordinator(options);
  onTestFinished(() => coordinator.close());
  return coordinator;
}

const submit = async ({ url }: RunningCoordinator) => {
  const body = JSON.stringify({ prompt: 'Hello', model: 'llama3.2' });
  const headers = { 'content-type': 'application/json' };
  return (await fetch(`${url}/v1/jobs`, { method: 'POST', headers, body })).status;
};

test('PgBouncer that hands out connections by transactions is named at the start', async context => {
  const { url } = await createTestDatabase();
  for (const default_pool_size of ['20', '1']) {
    const settings = { pool_mode: 'transaction', ignore_startup_parameters: IGNORED, default_pool_size };
    const pooled = await startPgBouncer(context, url, settings);
    await expect(start(pooled)).rejects.toThrow(
      /^--database-url can't be used: a pooler such as PgBouncer.*pool_mode = session/,
    );
  }
});

test('PgBouncer that refuses what coordinators say first is named, with what to set', async context => {
  const pooled = await startPgBouncer(context, (await createTestDatabase()).url, { pool_mode: 'session' });
  await expect(start(pooled)).rejects.toThrow(/unsupported startup parameter.*ignore_startup_parameters = /);
});

test('PgBouncer that hands out sessions serves', async context => {
  const settings = { pool_mode: 'session', ignore_startup_parameters: IGNORED };
  const pooled = await startPgBouncer(context, (await createTestDatabase()).url, settings);
  expect(await submit(await start(pooled))).toBe(201);
});

test('a database that is read-only for the role is named', async () => {
  const { url } = await createTestDatabase();
  const statement = `ALTER DATABASE ${new URL(url).pathname.slice(1)} SET default_transaction_read_only = on`;
  await execute({ data: '', databaseUrl: url }, { sqlite: '', postgres: statement });
  await expect(start(url)).rejects.toThrow("--database-url can't be used: it is read-only for this role");
});

test.each([
  ['postgres://u@one,two/db', 'it names several hosts, of which only one takes writes'],
  ['postgres://u@one,two/db?target_session_attrs=any', 'add target_session_attrs=read-write'],
  ['postgres://u@one/db?target_session_attrs=standby', 'target_session_attrs=standby is of no use'],
])('%s is refused', async (url, message) => {
  await expect(start(url)).rejects.toThrow(message);
});

test('of several hosts the one that takes writes is found, at the start and after a failover', {
  timeout: 120_000,
}, async () => {
  const primary = await startPostgres();
  onTestFinished(() => primary.stop());
  const url = new URL(await primary.createDatabase('aitbc'));
  const standby = await primary.startStandby();
  onTestFinished(() => standby.stop());
  const standbyUrl = new URL(standby.url('aitbc'));
  await expect(start(standbyUrl.href)).rejects.toThrow(
    "--database-url can't be used: it is a hot standby, which takes no writes",
  );
  // The standby first, to be passed over.
  const both = `postgres://${url.username}:${url.password}@${standbyUrl.host},${url.host}/aitbc?target_session_attrs=read-write`;
  const coordinator = await start(both);
  expect(await submit(coordinator)).toBe(201);
  await primary.kill();
  await standby.promote();
  await vi.waitFor(async () => expect(await submit(coordinator)).toBe(201), {
    timeout: 60_000,
    interval: 200,
  });
  expect((await fetch(`${coordinator.url}/v1/jobs`)).status).toBe(200);
});

test('a database that turns read-only is 503 until it takes writes again', async () => {
  const { url } = await createTestDatabase();
  const coordinator = await start(url);
  const name = new URL(url).pathname.slice(1);
  const writable = new URL(url);
  writable.searchParams.set('options', '-c default_transaction_read_only=off');
  async function change(setting: string) {
    const others = `pid <> pg_backend_pid() AND datname = '${name}' AND application_name = 'aitbc-coordinator'`;
    const statements = [
      `ALTER DATABASE "${name}" ${setting}`,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${others}`,
    ];
    await execute({ data: '', databaseUrl: writable.href }, { sqlite: '', postgres: statements.join('; ') });
  }
  const ready = async () => (await fetch(`${coordinator.url}/health/ready`)).status;
  await change('SET default_transaction_read_only = on');
  await vi.waitUntil(async () => (await ready()) === 503, { timeout: 20_000, interval: 100 });
  expect([await submit(coordinator), await ready()]).toEqual([503, 503]);
  await change('RESET default_transaction_read_only');
  await vi.waitUntil(async () => (await ready()) === 200, { timeout: 20_000, interval: 100 });
  expect(await submit(coordinator)).toBe(201);
});
