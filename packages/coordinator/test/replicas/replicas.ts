import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CoordinatorClient } from '@aitbc/sdk';
import { type RunningCoordinator, type StartOptions, startCoordinator } from '../../src/index.ts';
import { type ServerProcess, spawnServer } from '../crash/server.ts';
import { freePort } from './ports.ts';

/** One of several coordinators on a database: a process, and a client of it. Both are others after a restart. */
export interface Replica {
  /** Stays the same over restarts. */
  readonly url: string;
  readonly server: ServerProcess;
  /** Tries nothing twice. */
  readonly client: CoordinatorClient;
  /** SIGKILL; resolves when it is gone. Rejects when it has ended by itself before. */
  kill(): Promise<void>;
  /** Starts it again; resolves when it listens. */
  restart(): Promise<void>;
}

export interface Replicas {
  all: readonly Replica[];
  /** Kills what runs. */
  stop(): Promise<void>;
}

/** Coordinators on one database in the test's process, which start in a fifth of the time. None of them can be killed. */
export interface LocalReplicas {
  all: readonly Pick<Replica, 'url' | 'client'>[];
  stop(): Promise<void>;
}

/** Starts a coordinator for each way to the database. They share a data folder, and so the signing key. */
export async function startLocalReplicas(
  databaseUrls: readonly string[],
  options: StartOptions = {},
): Promise<LocalReplicas> {
  const data = await mkdtemp(join(tmpdir(), 'aitbc-replicas-'));
  const running: RunningCoordinator[] = [];
  const stop = async () => {
    await Promise.all(running.map(coordinator => coordinator.close()));
    await rm(data, { recursive: true, force: true });
  };
  try {
    // The first one makes the signing key of all.
    for (const databaseUrl of databaseUrls)
      running.push(await startCoordinator({ data, databaseUrl, port: 0, logLevel: 'silent', ...options }));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    all: running.map(({ url }) => ({ url, client: new CoordinatorClient(url, { maxRetries: 0 }) })),
    stop,
  };
}

/**
 * Starts `aitbc serve` for each way to the database, with `args` and what `more` says of each. They share a data folder,
 * and so the signing key.
 */
export async function startReplicas(
  databaseUrls: readonly string[],
  args: readonly string[] = [],
  more: readonly (readonly string[])[] = [],
): Promise<Replicas> {
  const data = await mkdtemp(join(tmpdir(), 'aitbc-replicas-'));
  const all = await Promise.all(
    databaseUrls.map((databaseUrl, index) =>
      prepareReplica({ data, databaseUrl }, [...args, ...(more[index] ?? [])]),
    ),
  );
  const stop = async () => {
    await Promise.all(all.map(replica => replica.kill())).finally(() =>
      rm(data, { recursive: true, force: true }),
    );
  };
  try {
    await Promise.all(all.map(replica => replica.restart()));
  } catch (error) {
    // The others are up, and nobody else would stop them.
    await stop().catch(() => {});
    throw error;
  }
  return { all, stop };
}

async function prepareReplica(
  database: Parameters<typeof spawnServer>[0],
  args: readonly string[],
): Promise<Replica> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const client = new CoordinatorClient(url, { maxRetries: 0 });
  let server: ServerProcess | undefined;
  return {
    url,
    client,
    get server() {
      if (!server) throw new Error('The replica does not run');
      return server;
    },
    async kill() {
      const killed = server;
      server = undefined;
      killed?.child.kill('SIGKILL');
      const code = await killed?.exited;
      if (typeof code === 'number') throw new Error(`A coordinator ended by itself: ${killed?.stderr()}`);
    },
    async restart() {
      server = spawnServer(database, { args: ['--port', String(port), ...args] });
      await server.listening;
    },
  };
}
