import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { withCoordinator } from './coordinator.ts';
import { engine } from './engine.ts';
import { type Mining, mine } from './mining.ts';
import { clientOver, received } from './network.ts';

const coordinator = withCoordinator();

test('a stopped miner finishes running jobs and claims no more', async () => {
  const { client } = coordinator;
  const hand = engine('finishing');
  const miner = await mine({ client, backend: hand.backend, concurrency: 2 });
  const running = await client.jobs.submit({ prompt: 'p', model: 'finishing' });
  const { finish } = await hand.next();
  const stopped = miner.stop();
  expect(await miner.when('stopping')).toEqual({ event: 'stopping', running: 1, timeout_seconds: 30 });
  const later = await client.jobs.submit({ prompt: 'p', model: 'finishing' });
  finish('done');
  await stopped;
  expect(await client.jobs.get(running.job_id)).toMatchObject({ status: 'completed', result: 'done' });
  expect(await client.jobs.get(later.job_id)).toMatchObject({ status: 'pending', attempts: 0 });
  expect(miner.events.at(-1)).toMatchObject({ event: 'stopped', completed: 1 });
});

test('a stopped miner is deregistered', async () => {
  const { client } = coordinator;
  const miner = await mine({ client, backend: engine('gone').backend });
  await miner.when('registered');
  await miner.stop();
  await expect(client.miners.get(miner.minerId)).rejects.toThrow('MINER_NOT_FOUND');
});

test('jobs still running after the shutdown timeout are handed back without losing an attempt', async () => {
  const { client } = coordinator;
  const hand = engine('slow');
  const miner = await mine({ client, backend: hand.backend, shutdownTimeout: 1 });
  const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'slow' });
  const { generation } = await hand.next();
  await miner.stop();
  expect(generation.signal.aborted).toBe(true);
  expect(miner.events).toContainEqual({ event: 'job_released', job_id, reason: 'the miner stops' });
  expect(await client.jobs.get(job_id)).toMatchObject({ status: 'pending', attempts: 0 });
});

test('quit() does not wait, even after stop()', async () => {
  const { client } = coordinator;
  const hand = engine('quitting');
  const miner = await mine({ client, backend: hand.backend });
  const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'quitting' });
  const { generation } = await hand.next();
  const stopped = miner.stop();
  await miner.when('stopping');
  await miner.quit();
  await stopped;
  expect(generation.signal.aborted).toBe(true);
  expect(await client.jobs.get(job_id)).toMatchObject({ status: 'pending', attempts: 0 });
});

test('a miner stopped before it was ready ends too', async () => {
  const { client } = coordinator;
  const miner = await mine({ client, backend: engine('hurried').backend });
  await miner.stop();
  expect(miner.events.at(-1)).toEqual({ event: 'stopped', completed: 0, total_credits: 0 });
});

test.each([
  [
    'is lost',
    (response: Response) => Promise.reject(new TypeError(`terminated after ${response.status}`)),
    [],
  ],
  ['still arrives', received, ['job_released']],
])(
  'jobs claimed in the moment of the stop are handed back when the answer %s',
  async (ending, arrive, told) => {
    const model = `late-${ending.replaceAll(' ', '-')}`;
    const { client, url } = coordinator;
    const hand = engine(model);
    let miner: Mining | undefined;
    const network = clientOver(url, /\/claims$/, async send => {
      const whole = await received(await send());
      if (!/job-/.test(await whole.clone().text())) return whole;
      miner?.stop();
      return await arrive(whole);
    });
    miner = await mine({ client: network, backend: hand.backend });
    const { job_id } = await client.jobs.submit({ prompt: 'p', model });
    await miner.done;
    expect(await client.jobs.get(job_id)).toMatchObject({ status: 'pending', attempts: 0 });
    expect(miner.events.map(({ event }) => event)).toEqual(['registered', ...told, 'stopped']);
  },
);

test('a stopped miner does not keep its process alive', async () => {
  const { client, url } = coordinator;
  const { job_id } = await client.jobs.submit({ prompt: 'Hello', model: 'brief' });
  const program = `
    import { generateSigner } from '@aitbc/receipts';
    import { CoordinatorClient } from '@aitbc/sdk';
    import { echoBackend, startMiner } from '${new URL('../src/index.ts', import.meta.url)}';
    const miner = await startMiner({
      client: new CoordinatorClient('${url}'),
      backend: echoBackend({ models: ['brief'] }),
      identity: { minerId: 'brief', signer: await generateSigner() },
      onEvent: ({ event }) => event === 'job_started' && miner.stop(),
    });`;
  const cwd = fileURLToPath(new URL('.', import.meta.url));
  // Otherwise it would stay for its shutdown timeout of 30 s.
  const options = { cwd, timeout: 15_000 };
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], options);
  expect(await client.jobs.get(job_id)).toMatchObject({ status: 'completed' });
});
