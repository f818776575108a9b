import {
  createIds,
  createKey,
  type RunningCoordinator,
  type Scope,
  startCoordinator,
} from '@aitbc/coordinator';
import { CoordinatorClient } from '@aitbc/sdk';
import { afterAll, beforeAll } from 'vitest';
import { type Database, sqlite } from '../../coordinator/test/harness/engines.ts';

type Options = NonNullable<Parameters<typeof startCoordinator>[0]>;

export interface TestCoordinator {
  url: string;
  client: CoordinatorClient;
  running: RunningCoordinator;
  /** Closes the coordinator. `start` brings it back on the same address and data. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Creates an API key. */
  key(...scopes: Scope[]): Promise<{ id: string; secret: string }>;
}

/**
 * Starts a real coordinator for the tests of one file. With a lease of 4 s it asks for a heartbeat each
 * second.
 */
export function withCoordinator(options: Options = {}): TestCoordinator {
  let database: Database;
  let port = 0;
  let running: RunningCoordinator | undefined;
  const found = () => {
    if (!running) throw new Error('The coordinator does not run');
    return running;
  };
  const coordinator: TestCoordinator = {
    url: '',
    client: new CoordinatorClient('http://127.0.0.1:2'),
    get running() {
      return found();
    },
    async stop() {
      const stopping = running;
      running = undefined;
      await stopping?.close();
    },
    async start() {
      const own = { port, ...database.options, logLevel: 'silent', leaseSeconds: 4 } as const;
      running = await startCoordinator({ ...own, ...options });
      port = Number(new URL(running.url).port);
      coordinator.url = running.url;
      coordinator.client = new CoordinatorClient(running.url);
    },
    async key(...scopes) {
      const id = createIds(Date.now).next('key');
      const made = await createKey(found().modules.store, { id, name: null, scopes, expiresAt: null });
      return { id, secret: made.key };
    },
  };
  beforeAll(async () => {
    database = await sqlite.prepare();
    await coordinator.start();
  });
  afterAll(async () => {
    await coordinator.stop();
    await database.remove();
  });
  return coordinator;
}
