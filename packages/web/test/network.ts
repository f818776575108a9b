import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import {
  createIds,
  createKey,
  type RunningCoordinator,
  revokeKey,
  type Scope,
  startCoordinator,
} from '@aitbc/coordinator';
import { type Backend, echoBackend, type RunningMiner, startMiner } from '@aitbc/miner';
import { generateSigner } from '@aitbc/receipts';
import { CoordinatorClient, type Job } from '@aitbc/sdk';
import { afterAll, beforeAll } from 'vitest';

type StartOptions = NonNullable<Parameters<typeof startCoordinator>[0]>;

/** An API key, and how to revoke it. */
export interface TestKey {
  id: string;
  secret: string;
  revoke(): Promise<void>;
}

/** A coordinator with miners that run jobs, as a visitor of the web app finds them. */
export interface TestNetwork {
  url: string;
  client: CoordinatorClient;
  coordinator: RunningCoordinator;
  /** Runs a job to its end. */
  run(prompt: string, model?: string): Promise<Job>;
  /** Creates an API key. Keys of one network act for one account. */
  key(...scopes: Scope[]): Promise<TestKey>;
  /** Publishes all that the ledger has. */
  publish(): Promise<void>;
  /** Closes the coordinator. `start` brings it back on the same address and data. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

export const MODEL = 'llama3.2';
/** A model that writes on until its job is cancelled. */
export const ENDLESS = 'writes-on';

function testBackend(): Backend {
  const echo = echoBackend({ models: [MODEL, 'qwen3:8b', ENDLESS] });
  return {
    ...echo,
    async generate(generation) {
      if (generation.model !== ENDLESS) return await echo.generate(generation);
      for (;;) {
        generation.onToken?.('more ');
        await setTimeout(20, undefined, { signal: generation.signal });
      }
    },
  };
}

/** Starts a network for the tests of one file. Where it is keyed, its client has all scopes but that of administrators. */
export function withNetwork(options: StartOptions = {}): TestNetwork {
  let data: string;
  let port = 0;
  let secret: string | null = null;
  let address: string | undefined;
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
      Object.assign(network, { coordinator, url: coordinator.url });
      if (options.mode === 'keyed') secret ??= (await network.key('client', 'miner', 'keys')).secret;
      Object.assign(network, { client: new CoordinatorClient(coordinator.url, { apiKey: secret }) });
    },
    async stop() {
      if (isRunning) await network.coordinator.close();
      isRunning = false;
    },
    async run(prompt, model = MODEL) {
      const { job_id } = await network.client.jobs.submit({ prompt, model });
      return await network.client.jobs.wait(job_id);
    },
    async key(...scopes) {
      const { store } = network.coordinator.modules;
      const id = createIds(Date.now).next('key');
      const created = await createKey(store, {
        id,
        address,
        name: scopes.join('+'),
        scopes,
        expiresAt: null,
      });
      address ??= created.address;
      return {
        id,
        secret: created.key,
        revoke: async () => void (await revokeKey(store, id)),
      };
    },
    publish: () => network.coordinator.publish(),
  } as TestNetwork;
  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'aitbc-web-'));
    await network.start();
    miner = await startMiner({
      client: network.client,
      backend: testBackend(),
      concurrency: 2,
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
