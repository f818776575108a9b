import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createIds, createKey, type Scope, startCoordinator } from '@aitbc/coordinator';
import { CoordinatorClient } from '@aitbc/sdk';
import { afterAll, beforeAll } from 'vitest';
import { sqlite } from '../../coordinator/test/harness/engines.ts';
import { aitbc, type Terminal } from './terminal.ts';

/** Starts a real coordinator for the tests of one file, with a client and the command connected to it. */
export function withCoordinator(startOptions: Parameters<typeof startCoordinator>[0] = {}) {
  const running = {
    url: '',
    /** A folder for the test's files. */
    folder: '',
    /** The coordinator's own folder. */
    data: '',
    client: new CoordinatorClient('http://127.0.0.1:2'),
    /** Creates an API key and returns its secret. */
    key: async (..._scopes: Scope[]): Promise<string> => '',
    aitbc: (argv: readonly string[], terminal: Terminal = {}) =>
      aitbc(argv, {
        ...terminal,
        // Whether a miner has run on this machine must not matter.
        env: { AITBC_COORDINATOR: running.url, AITBC_MINER_STATE: running.folder, ...terminal.env },
      }),
  };
  let stop = async () => {};
  beforeAll(async () => {
    running.folder = await mkdtemp(join(tmpdir(), 'aitbc-cli-'));
    const { options, remove } = await sqlite.prepare();
    const coordinator = await startCoordinator({
      ...{ port: 0, ...options, logLevel: 'silent' },
      webhookAllow: ['127.0.0.1'],
      ...startOptions,
    });
    running.url = coordinator.url;
    running.data = options.data;
    running.client = new CoordinatorClient(coordinator.url);
    running.key = async (...scopes) => {
      const id = createIds(Date.now).next('key');
      const { store } = coordinator.modules;
      return (await createKey(store, { id, name: null, scopes, expiresAt: null })).key;
    };
    stop = async () => {
      await coordinator.close();
      await remove();
      await rm(running.folder, { recursive: true, force: true });
    };
  });
  afterAll(() => stop());
  return running;
}

/** Waits for the next job of the model, claims it and completes it. */
export async function mineOne(client: CoordinatorClient, model: string, result = 'the answer') {
  const minerId = `miner-${model}`;
  await client.miners.register({
    miner_id: minerId,
    capabilities: [model],
    gpu_info: { name: 'RTX 4090', memory: '24GB' },
  });
  const [job] = await client.miners.claimJobs(minerId, { wait: 10 });
  if (!job) throw new Error(`No job for ${model}`);
  return client.jobs.complete(job.job_id, { miner_id: minerId, result });
}
