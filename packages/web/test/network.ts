import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningCoordinator, startCoordinator } from '@aitbc/coordinator';
import { echoBackend, type RunningMiner, startMiner } from '@aitbc/miner';
import { generateSigner } from '@aitbc/receipts';
import { CoordinatorClient, type Job } from '@aitbc/sdk';
import { afterAll, beforeAll } from 'vitest';

type StartOptions = NonNullable<Parameters<typeof startCoordinator>[0]>;

/** A coordinator with miners that run jobs, as a visitor of the web app finds them. */
export interface TestNetwork {
  url: string;
  client: CoordinatorClient;
  coordinator: RunningCoordinator;
  /** Runs a job to its end. */
  run(prompt: string, model?: string): Promise<Job>;
  /** Publishes all that the ledger has. */
  publish(): Promise<void>;
  /** Closes the coordinator. `start` brings it back on the same address and data. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

export const MODEL = 'llama3.2';

/** Starts a network for the tests of one file. */
export function withNetwork(options: StartOptions = {}): TestNetwork {
  let data: string;
  let port = 0;
  let miner: RunningMiner | undefined;
  let isRunning = false;
  const network = {
    url: '',
    async start() {
      const coordinator = await startCoordinator({
        ...{ port, data, logLevel: 'silent', ledgerInterval: 3600, sweepSeconds: 60 },
        ...options,
      });
      port = Number(new URL(coordinator.url).port);
      isRunning = true;
      const client = new CoordinatorClient(coordinator.url);
      Object.assign(network, { coordinator, client, url: coordinator.url });
    },
    async stop() {
      if (isRunning) await network.coordinator.close();
      isRunning = false;
    },
    async run(prompt, model = MODEL) {
      const { job_id } = await network.client.jobs.submit({ prompt, model });
      return await network.client.jobs.wait(job_id);
    },
    publish: () => network.coordinator.publish(),
  } as TestNetwork;
  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'aitbc-web-'));
    await network.start();
    miner = await startMiner({
      client: network.client,
      backend: echoBackend({ models: [MODEL, 'qwen3:8b'] }),
      identity: { minerId: 'gpu-one', signer: await generateSigner() },
    });
  });
  afterAll(async () => {
    await miner?.quit().catch(() => {});
    await network.stop();
    await rm(data, { recursive: true, force: true });
  });
  return network;
}
