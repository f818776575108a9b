import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { inject } from 'vitest';
import { type Account, type PostgresProgram, postgresProgram } from './postgres-program.ts';

const run = promisify(execFile);

export interface PostgresServerOptions {
  /** Server parameters, such as `{ shared_buffers: '1GB' }`. */
  settings?: Record<string, string | number>;
  /** Additional environment variables of its processes. */
  env?: Record<string, string>;
}

/** A separate PostgreSQL on 127.0.0.1. It is removed completely when this process ends. */
export interface PostgresServer {
  /** The process id of the parent of its other processes. It changes with a restart. */
  readonly pid: number;
  /** Returns the URL of a database, as the superuser. It stays the same after restarts. */
  url(database: string): string;
  /** Creates an empty database, with a random name by default, and returns its URL. */
  createDatabase(name?: string): Promise<string>;
  /** Sends SIGKILL to all its processes, as in a crash. The data stays for `restart`. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data. A running server is stopped properly first. */
  restart(): Promise<void>;
  /** Starts a second server that replicates this one asynchronously. */
  startStandby(): Promise<StandbyServer>;
  /** Stops the server and deletes its data. */
  stop(): Promise<void>;
}

/** A hot standby, which answers reads. */
export interface StandbyServer extends PostgresServer {
  /** Stops replication. */
  cutOff(): Promise<void>;
  /** Makes it a primary. It accepts writes when this resolves. */
  promote(): Promise<void>;
}

/** Starts PostgreSQL with an empty data folder. It accepts connections when this resolves. */
export async function startPostgres({ settings, env }: PostgresServerOptions = {}): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), 'aitbc-postgres-'));
  try {
    const program = await postgresProgram(folder);
    const password = randomBytes(16).toString('hex');
    await initialize(program, folder, password);
    return await runServer({ program, folder, password, settings: { ...SETTINGS, ...settings }, env });
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

interface Installed {
  program: PostgresProgram;
  /** The folder with the data in `data`. */
  folder: string;
  password: string;
  settings: Record<string, string | number>;
  env: Record<string, string> | undefined;
}

async function runServer({ program, folder, password, settings, env }: Installed): Promise<PostgresServer> {
  const port = await freePort();
  const url = (database: string) => `postgres://postgres:${password}@127.0.0.1:${port}/${database}`;
  const start = () => startProcesses(program, folder, { ...settings, port }, url('postgres'), env);
  let processes = await start();
  return {
    get pid() {
      return processes.postmaster;
    },
    url,
    createDatabase: async (name = randomName()) => {
      await execute(url('postgres'), `CREATE DATABASE "${name}"`);
      return url(name);
    },
    kill: () => processes.kill(),
    restart: async () => {
      await processes.end();
      processes = await start();
    },
    startStandby: () => startStandby({ program, folder, password, settings, env }, port, url('postgres')),
    stop: async () => {
      await processes.end();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Starts from a copy of the data made with the low-level functions, because npm's PostgreSQL has no
 * `pg_basebackup`.
 */
async function startStandby(primary: Installed, port: number, url: string): Promise<StandbyServer> {
  const folder = await mkdtemp(join(tmpdir(), 'aitbc-standby-'));
  const { account } = primary.program;
  const own = async (path: string) => {
    if (account.uid !== undefined && account.gid !== undefined) await chown(path, account.uid, account.gid);
  };
  const data = join(folder, 'data');
  await own(folder);
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("SELECT pg_backup_start('standby', true)");
    // Files that the server deletes during the copy are not needed in a backup.
    await run('cp', ['-a', join(primary.folder, 'data'), data]).catch(() => {});
    const { rows } = await client.query<{ labelfile: string }>('SELECT labelfile FROM pg_backup_stop(false)');
    await rm(join(data, 'postmaster.pid'), { force: true });
    for (const [name, text] of [
      ['backup_label', rows[0]?.labelfile ?? ''],
      ['standby.signal', ''],
    ] as const) {
      await writeFile(join(data, name), text);
      await own(join(data, name));
    }
  } finally {
    await client.end();
  }
  const primary_conninfo = `host=127.0.0.1 port=${port} user=postgres password=${primary.password}`;
  await writeFile(join(data, 'postgresql.auto.conf'), `primary_conninfo = '${primary_conninfo}'\n`);
  await own(join(data, 'postgresql.auto.conf'));
  const server = await runServer({ ...primary, folder });
  return {
    ...server,
    async cutOff() {
      await execute(server.url('postgres'), "ALTER SYSTEM SET primary_conninfo = ''");
      await execute(server.url('postgres'), 'SELECT pg_reload_conf()');
      const receiving = 'SELECT 1 / (SELECT (count(*) = 0)::int FROM pg_stat_wal_receiver)';
      await until(() => execute(server.url('postgres'), receiving));
    },
    promote: () => execute(server.url('postgres'), 'SELECT pg_promote()'),
  };
}

async function until(succeeds: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + 15_000;
  for (;;) {
    try {
      return await succeeds();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await delay(10);
    }
  }
}

export interface TestDatabase {
  url: string;
  /** Disconnects all users of the database and drops it. */
  drop(): Promise<void>;
}

/**
 * Creates a database for a test on the shared server: an empty one, or a copy of `template`, to which nobody
 * may be connected.
 */
export async function createTestDatabase(template = 'template1'): Promise<TestDatabase> {
  const server = sharedServer();
  const name = randomName();
  // Copying the files takes a quarter of the time of writing each of their pages to the log, on a server that syncs nothing.
  await execute(server, `CREATE DATABASE "${name}" TEMPLATE "${template}" STRATEGY FILE_COPY`);
  return {
    url: urlOf(server, name),
    drop: () => execute(server, `DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`),
  };
}

/** Fills a database with `fill`, unless it exists, as a template for all processes of the run. */
export async function createTemplate(name: string, fill: (url: string) => Promise<void>): Promise<void> {
  const server = sharedServer();
  const client = new Client({ connectionString: server });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock(1)');
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [name]);
    if (rowCount !== 0) return;
    const draft = randomName();
    await client.query(`CREATE DATABASE "${draft}"`);
    await fill(urlOf(server, draft));
    // Connections that filled the template may still be closing.
    await client.query(`CREATE DATABASE "${name}" TEMPLATE "${draft}"`);
    await client.query(`DROP DATABASE "${draft}"`);
  } finally {
    await client.end();
  }
}

function sharedServer(): string {
  const server = inject('postgres');
  if (!server) throw new Error('No PostgreSQL started here; the beginning of the run says why.');
  return server;
}

function urlOf(server: string, database: string): string {
  const url = new URL(server);
  url.pathname = database;
  return url.href;
}

const randomName = () => `test_${randomBytes(8).toString('hex')}`;

/** Settings for tests on one machine. What makes commits durable stays on. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: 200,
  shared_buffers: '64MB',
};

/**
 * Text sorts as in English rather than by bytes, so that tests notice a query that relies on either order.
 */
async function initialize({ initdb, account }: PostgresProgram, folder: string, password: string) {
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (account.uid !== undefined && account.gid !== undefined)
    await chown(passwordFile, account.uid, account.gid);
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=icu', '--icu-locale=en-US'];
  const access = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
  const data = `--pgdata=${join(folder, 'data')}`;
  await run(initdb, [data, ...locale, ...access, '--no-sync'], { ...account, cwd: folder });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('A TCP server has a port');
  return address.port;
}

interface Processes {
  postmaster: number;
  /** Does nothing when the processes are gone. */
  kill(): Promise<void>;
  /**
   * Ends the server after writing all committed data, without waiting for transactions. Does nothing when it
   * is gone.
   */
  end(): Promise<void>;
}

/**
 * A guard process whose input ends when this process ends for any reason. It then stops PostgreSQL and
 * deletes the folder. A line of input makes it leave without that. It reports when PostgreSQL is gone.
 */
const GUARD = `
  folder=$1; shift
  { "$@" </dev/null >>"$folder/log" 2>&1; echo gone; } &
  read -r line && exit
  kill -QUIT "$(head -n 1 "$folder/data/postmaster.pid")"
  wait
  rm -rf "$folder"
`;

async function startProcesses(
  { postgres, account }: PostgresProgram,
  folder: string,
  settings: Record<string, string | number>,
  url: string,
  env: Record<string, string> = {},
): Promise<Processes> {
  const parameters = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const command = [postgres, '-D', join(folder, 'data'), ...parameters];
  const guard = startGuard(folder, command, account, env);
  let isGone = false;
  const gone = once(guard.stdout, 'data').then(() => {
    isGone = true;
    guard.stdin.end('\n');
  });
  await untilAccepting(url, () => isGone).catch(async error => {
    guard.stdin.end();
    throw new Error(`PostgreSQL did not start: ${await readFile(join(folder, 'log'), 'utf8')}`, {
      cause: error,
    });
  });
  const postmaster = Number.parseInt(await readFile(join(folder, 'data/postmaster.pid'), 'utf8'), 10);
  return {
    postmaster,
    async kill() {
      if (isGone) return;
      await killTree(postmaster);
      await gone;
    },
    async end() {
      if (isGone) return;
      process.kill(postmaster, 'SIGINT');
      await gone;
    },
  };
}

/** Starts the guard in its own session, where Ctrl-C does not reach it. */
function startGuard(
  folder: string,
  command: string[],
  account: Account,
  env: Record<string, string>,
): ChildProcessByStdio<Writable, Readable, null> {
  return spawn('sh', ['-c', GUARD, 'sh', folder, ...command], {
    ...account,
    env: { ...process.env, ...env },
    cwd: folder,
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
}

async function untilAccepting(url: string, isGone: () => boolean): Promise<void> {
  const deadline = performance.now() + 15_000;
  for (;;) {
    try {
      return await execute(url, 'SELECT 1');
    } catch (error) {
      if (isGone() || performance.now() > deadline) throw error;
      await delay(10);
    }
  }
}

async function execute(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** The postmaster is halted first, so that it can not start further processes. */
async function killTree(postmaster: number): Promise<void> {
  process.kill(postmaster, 'SIGSTOP');
  const family = await living(({ pid, parent }) => pid === postmaster || parent === postmaster);
  for (const pid of family) signal(pid, 'SIGKILL');
  // A new postmaster does not start while a process still has the old one's shared memory.
  while ((await living(({ pid }) => family.includes(pid))).length > 0) await delay(10);
}

/** Ignores zombies, which stay listed until their parent reads their exit status. */
async function living(matches: (process: { pid: number; parent: number }) => boolean): Promise<number[]> {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid=,stat=']);
  const processes = stdout.split('\n').map(line => {
    const [pid, parent, state] = line.trim().split(/\s+/);
    return { pid: Number(pid), parent: Number(parent), isZombie: state?.startsWith('Z') };
  });
  return processes.filter(process => !process.isZombie && matches(process)).map(({ pid }) => pid);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has just ended by itself.
  }
}
