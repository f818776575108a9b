import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { onTestFinished, type TestContext } from 'vitest';
import { requirement } from './requirement.ts';

const run = promisify(execFile);

/** Startup parameters of coordinators, which PgBouncer rejects unless it is configured to ignore them. */
export const IGNORED = 'extra_float_digits,statement_timeout,idle_in_transaction_session_timeout';

/**
 * Starts a PgBouncer in front of a database, which ends with the test. Returns the URL of the database
 * through it.
 *
 * @param settings of its configuration file
 */
export async function startPgBouncer(
  context: TestContext,
  databaseUrl: string,
  settings: Record<string, string>,
): Promise<string> {
  const isThere = await run('pgbouncer', ['--version']).then(
    () => true,
    () => false,
  );
  requirement(context, isThere, 'PgBouncer is not installed');
  const folder = await mkdtemp(join(tmpdir(), 'aitbc-pgbouncer-'));
  const database = new URL(databaseUrl);
  const port = await freePort();
  const server = `host=${database.hostname} port=${database.port}`;
  const options = { ...OPTIONS, listen_port: port, auth_file: join(folder, 'users'), ...settings };
  const lines = Object.entries(options).map(([name, value]) => `${name} = ${value}`);
  const file = join(folder, 'pgbouncer.ini');
  await writeFile(file, ['[databases]', `* = ${server}`, '[pgbouncer]', ...lines, ''].join('\n'));
  await writeFile(options.auth_file, `"${database.username}" "${database.password}"\n`);
  await chmod(folder, 0o755);
  // PgBouncer does not run as root.
  const account = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const child = spawn('pgbouncer', ['-q', ...account, file], { stdio: 'ignore', cwd: '/' });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    await rm(folder, { recursive: true, force: true });
  });
  const url = new URL(databaseUrl);
  url.port = String(port);
  await untilAccepting(url.href);
  return url.href;
}

const OPTIONS = { listen_addr: '127.0.0.1', unix_socket_dir: '', auth_type: 'plain', logfile: '/dev/null' };

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function untilAccepting(url: string): Promise<void> {
  for (const deadline = performance.now() + 15_000; ; await delay(20)) {
    const client = new Client(url);
    try {
      await client.connect();
      return await client.end();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
  }
}
