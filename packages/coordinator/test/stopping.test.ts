import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { startCoordinator } from '../src/index.ts';
import { startTestCoordinator } from './harness/coordinator.ts';
import { describeEachEngine, sqlite } from './harness/engines.ts';

describeEachEngine('stopping a coordinator', engine => {
  test('ends connections that never asked for anything', async () => {
    const coordinator = await startTestCoordinator(engine);
    const { hostname, port } = new URL(coordinator.url);
    const silent = connect(Number(port), hostname);
    await once(silent, 'connect');
    const ended = once(silent, 'close');
    await coordinator.stop();
    await expect(ended).resolves.toBeDefined();
  });

  test('leaves a store that refuses what comes late', async () => {
    const coordinator = await startTestCoordinator(engine);
    const { store, operations } = coordinator.running.modules;
    await coordinator.stop();
    await expect(store.write(operations.sweepJobs, undefined)).rejects.toMatchObject({
      cause: { message: 'The store is closed' },
    });
  });
});

test('a second coordinator on the same data folder is refused, until the first has stopped', async () => {
  const database = await sqlite.create();
  onTestFinished(() => database.remove());
  const start = () => startCoordinator({ port: 0, logLevel: 'silent', ...database.options });
  const first = await start();
  await expect(start()).rejects.toThrow('another coordinator runs on this folder');
  await first.close();
  const second = await start();
  await expect(second.close()).resolves.toBeUndefined();
});
