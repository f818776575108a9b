import { createIds, createKey, type Scope, type StartOptions, startCoordinator } from '@aitbc/coordinator';
import { afterAll, beforeAll } from 'vitest';
import { sqlite } from '../../coordinator/test/harness/engines.ts';
import { CoordinatorClient } from '../src/index.ts';

/** Starts a real coordinator for the tests of one file, with its own data and port. */
export function withCoordinator(more: StartOptions = {}) {
  const running = {
    url: '',
    client: new CoordinatorClient('http://127.0.0.1:2'),
    /** Returns a client with its own API key. */
    clientWith: async (..._scopes: Scope[]) => new CoordinatorClient('http://127.0.0.1:2'),
  };
  let stop = async () => {};
  beforeAll(async () => {
    const { options, remove } = await sqlite.prepare();
    const given = { port: 0, ...options, logLevel: 'silent' as const };
    const coordinator = await startCoordinator({ ...given, ...more });
    running.url = coordinator.url;
    running.client = new CoordinatorClient(coordinator.url);
    running.clientWith = async (...scopes) => {
      const { store } = coordinator.modules;
      const id = createIds(Date.now).next('key');
      const { key } = await createKey(store, { id, name: null, scopes, expiresAt: null });
      return new CoordinatorClient(coordinator.url, key);
    };
    stop = async () => {
      await coordinator.close();
      await remove();
    };
  });
  afterAll(() => stop());
  return running;
}

/** Registers a miner for one model. */
export async function register(
  client: CoordinatorClient,
  model: string,
  minerId = `miner-${model}`,
): Promise<string> {
  await client.miners.register({ miner_id: minerId, capabilities: [model] });
  return minerId;
}

/** Waits for the next job of the model, claims it and completes it. */
export async function mineOne(client: CoordinatorClient, model: string, result = 'the answer') {
  const minerId = await register(client, model);
  const [job] = await client.miners.claimJobs(minerId, { wait: 10 });
  if (!job) throw new Error(`No job for ${model}`);
  return client.jobs.complete(job.job_id, { miner_id: minerId, result });
}

/** Runs every job of the model until it is stopped. */
export function mineAll(client: CoordinatorClient, model: string): () => Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const mine = async () => {
    const minerId = `miner-${model}`;
    await client.miners.register({ miner_id: minerId, capabilities: [model], gpu_info: { memory: '24GB' } });
    while (!signal.aborted) {
      for (const job of await client.miners.claimJobs(minerId, { wait: 10, signal })) {
        const text = 'the answer';
        if (job.stream)
          await client.jobs.postChunks(job.job_id, { miner_id: minerId, first: 0, chunks: [text] });
        await client.jobs.complete(job.job_id, { miner_id: minerId, result: text });
      }
    }
  };
  const mining = mine().catch(error => {
    if (!signal.aborted) throw error;
  });
  return async () => {
    stopping.abort();
    await mining;
  };
}
