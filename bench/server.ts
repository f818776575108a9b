import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Database, type DatabaseOptions, startDatabase } from './database.ts';

/** A server to put load on. */
export interface Server {
  url: string;
  /** Unknown for a server that the bench did not start. */
  pid?: number;
  /** The process of its database, if that has its own. */
  databasePid?: number;
  /** Brings its database into the state of one that has run for a while, if that is needed. */
  settle?(): Promise<void>;
  stop(): Promise<void>;
}

/** A server in its own process, started for a run. */
export interface OwnServer extends Server {
  pid: number;
  /** Returns the bytes in memory, without the database's processes. */
  residentBytes(): number;
}

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const PROGRAM = 'packages/cli/src/main.ts';

export const AITBC = file(`../${PROGRAM}`);

export const STORES = ['sqlite', 'postgres'] as const;
export type StoreName = (typeof STORES)[number];

export interface CoordinatorOptions {
  store: StoreName;
  /** A folder for CPU profiles of its threads and, on PostgreSQL, for its statements. */
  profile?: string | undefined;
  /** Further options of the coordinator. */
  flags?: readonly string[];
  /** The folder of another checkout, to run its coordinator. */
  checkout?: string | undefined;
  /** The command's file, such as that of an installed package, rather than this checkout's. */
  program?: string | undefined;
}

/** Starts the released coordinator on an empty database. */
export async function startCoordinator(options: CoordinatorOptions): Promise<OwnServer> {
  const place = await preparePlace(options);
  try {
    const server = await startAt(place, options);
    return { ...server, stop: () => server.stop().finally(place.remove) };
  } catch (error) {
    await place.remove();
    throw error;
  }
}

/** The data of a coordinator, which it keeps between starts. */
export interface CoordinatorData {
  folder: string;
  /** The options that locate it on the command line. */
  args: readonly string[];
  database?: Database;
  remove(): Promise<void>;
}

export async function preparePlace({ store, profile }: CoordinatorOptions): Promise<CoordinatorData> {
  const data = await mkdtemp(join(tmpdir(), 'aitbc-bench-'));
  const removeData = () => rm(data, { recursive: true });
  if (store === 'sqlite') return { folder: data, args: ['--data', data], remove: removeData };
  const database = await startDatabase({ profile });
  const remove = () => database.stop().finally(removeData);
  return { folder: data, args: ['--data', data, '--database-url', database.url], database, remove };
}

/** Starts the coordinator on existing data. */
export async function startAt(
  { args, database }: CoordinatorData,
  {
    profile,
    flags = [],
    checkout,
    program = checkout && resolve(checkout, PROGRAM),
  }: Partial<CoordinatorOptions> = {},
): Promise<OwnServer> {
  const command = [...profiling(profile), program ?? AITBC, 'serve'];
  const server = await startProgram([...command, '--port', '0', '--log-level', 'warn', ...args, ...flags]);
  return { ...server, ...(database && on(database)) };
}

const profiling = (folder: string | undefined) =>
  folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];

/** Returns the server's properties that come from its database. */
const on = ({ pid, settle }: Database) => ({ databasePid: pid, settle });

/** Starts the released miner and waits until the coordinator knows it. Its `url` is the coordinator's. */
export async function startMiner(
  coordinator: string,
  flags: readonly string[],
  { profile }: Pick<CoordinatorOptions, 'profile'> = {},
): Promise<OwnServer> {
  const state = await mkdtemp(join(tmpdir(), 'aitbc-bench-miner-'));
  const removeState = () => rm(state, { recursive: true });
  try {
    const command = [
      ...profiling(profile),
      AITBC,
      'miner',
      '--coordinator',
      coordinator,
      '--state',
      state,
      ...flags,
    ];
    const { stop, ...miner } = await startProgram(command, { ready: /Waiting for jobs/ });
    return { ...miner, url: coordinator, stop: () => stop().finally(removeState) };
  } catch (error) {
    await removeState();
    throw error;
  }
}

/** Starts a server on a PostgreSQL of its own. */
export async function startOnPostgres(
  start: (databaseUrl: string) => Promise<OwnServer>,
  options?: DatabaseOptions,
): Promise<OwnServer> {
  const database = await startDatabase(options);
  try {
    const server = await start(database.url);
    return { ...server, ...on(database), stop: () => server.stop().finally(database.stop) };
  } catch (error) {
    await database.stop();
    throw error;
  }
}

/** Starts the server that does the least for the four calls of a lifecycle, on an empty database. */
export async function startSkeleton(): Promise<OwnServer> {
  const data = await mkdtemp(join(tmpdir(), 'aitbc-bench-'));
  const removeData = () => rm(data, { recursive: true });
  const server = await startProgram([file('./skeleton-server.ts'), '--data', join(data, 'skeleton.db')]);
  return { ...server, stop: () => server.stop().finally(removeData) };
}

/** Describes a server that runs already and keeps running. */
export const runningAt = (url: string): Server => ({ url, stop: async () => {} });

export interface ProgramOptions {
  /** The program to run; Node.js unless given. */
  program?: string;
  /** What it prints when it is ready. */
  ready?: RegExp;
  /** Variables on top of this process's environment. */
  env?: Record<string, string>;
}

/** Returns a port of this machine that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  await new Promise(closed => server.close(closed));
  if (address === null || typeof address === 'string') throw new Error('A TCP server has a port');
  return address.port;
}

const URL_PATTERN = /http:\/\/[\d.]+:\d+/;

/**
 * Starts a program and waits until it prints the address on which it listens, or another sign that it is
 * ready.
 */
export async function startProgram(
  argv: readonly string[],
  { program = process.execPath, ready = URL_PATTERN, env = {} }: ProgramOptions = {},
): Promise<OwnServer> {
  const options = { stdio: ['ignore' as const, 'pipe' as const, 'pipe' as const] };
  const child = spawn(program, argv, { ...options, env: { ...process.env, ...env } });
  const url = await firstMatch(child, ready);
  const { pid } = child;
  if (pid === undefined) throw new Error('A process that prints has an id');
  return {
    url,
    pid,
    residentBytes: () => Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)])) * 1024,
    async stop() {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

async function firstMatch(child: ChildProcess, pattern: RegExp): Promise<string> {
  const { stdout, stderr } = child;
  if (!stdout || !stderr) throw new Error('The server has no output');
  let printed = '';
  return await new Promise((resolve, reject) => {
    const look = (chunk: Buffer) => {
      printed += chunk;
      const match = pattern.exec(printed)?.[0];
      if (match) resolve(match);
    };
    stdout.on('data', look);
    stderr.on('data', look);
    child.once('exit', code => reject(new Error(`The server ended with ${code}: ${printed}`)));
  });
}
