import { generateSigner } from '@aitbc/receipts';
import { CoordinatorClient } from '@aitbc/sdk';
import { describe, expect, test } from 'vitest';
import { withCoordinator } from './coordinator.ts';
import { engine } from './engine.ts';
import { mine } from './mining.ts';
import { clientOver } from './network.ts';
import { rejection } from './rejection.ts';

describe('two processes with one miner id', () => {
  const coordinator = withCoordinator();

  test('and the same key: the older one reports it and ends, the newer one goes on', async () => {
    const { client } = coordinator;
    const hand = engine('cloned');
    const identity = { minerId: 'cloned', signer: generateSigner() };
    const older = await mine({ client, backend: hand.backend, identity });
    const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'cloned' });
    const { generation } = await hand.next();
    const newer = await mine({ client, backend: hand.backend, identity });
    expect(await older.when('superseded')).toMatchObject({ error: expect.stringContaining('cloned') });
    expect(await rejection(older.done)).toMatchObject({ errorCode: 'MINER_SUPERSEDED' });
    expect(generation.signal.aborted).toBe(true);
    expect(older.events.at(-1)).toMatchObject({ event: 'stopped' });
    await newer.when('job_released');
    expect(await client.miners.get('cloned')).toMatchObject({ status: 'online' });
    const again = await hand.next();
    again.finish('by the newer one');
    expect(await client.jobs.wait(job_id)).toMatchObject({ result: 'by the newer one' });
  });

  test('and different keys: the second gets an error, the first goes on', async () => {
    const { client } = coordinator;
    const hand = engine('copied');
    const first = await mine({
      ...{ client, backend: hand.backend, identity: { minerId: 'copied', signer: generateSigner() } },
    });
    await first.when('registered');
    const second = await mine({
      ...{ client, backend: hand.backend, identity: { minerId: 'copied', signer: generateSigner() } },
    });
    expect(await rejection(second.done)).toMatchObject({ errorCode: 'MINER_ALREADY_REGISTERED' });
    expect(first.events.map(({ event }) => event)).toEqual(['registered']);
    expect(await client.miners.get('copied')).toMatchObject({ status: 'online', epoch: 1 });
    const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'copied' });
    (await hand.next()).finish('by the first');
    expect(await client.jobs.wait(job_id)).toMatchObject({ result: 'by the first' });
  });

  test('are told apart for owners of an API key, too', async () => {
    const { secret } = await coordinator.key('miner');
    const client = new CoordinatorClient(coordinator.url, { apiKey: secret });
    const hand = engine('owned');
    const older = await mine({
      ...{ client, backend: hand.backend, identity: { minerId: 'owned', signer: generateSigner() } },
    });
    await older.when('registered');
    await mine({
      ...{ client, backend: hand.backend, identity: { minerId: 'owned', signer: generateSigner() } },
    });
    expect(await rejection(older.done)).toMatchObject({ errorCode: 'MINER_SUPERSEDED' });
  });
});

describe('one process', () => {
  const coordinator = withCoordinator();

  test('that registers again, as for another model, keeps its id and the job that it runs', async () => {
    const { client } = coordinator;
    const hand = engine('kept');
    let models = ['kept'];
    const backend = { ...hand.backend, models: async () => models };
    const miner = await mine({ client, backend, modelRefreshMs: 20 });
    const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'kept' });
    const { finish } = await hand.next();
    models = ['kept', 'more'];
    await miner.when('registered', 2);
    finish('still mine');
    expect(await client.jobs.wait(job_id)).toMatchObject({ result: 'still mine', attempts: 1 });
    expect(miner.events.map(({ event }) => event)).not.toContain('superseded');
  });

  test('whose registration’s answer was lost is not taken for another process', async () => {
    const { client, url } = coordinator;
    const hand = engine('unheard');
    let lost = 0;
    const network = clientOver(url, /\/register$/, async send => {
      const answer = await send();
      if (++lost > 2) return answer;
      throw new TypeError('The connection was cut');
    });
    const miner = await mine({ client: network, backend: hand.backend });
    await miner.when('registered');
    expect(await client.miners.get(miner.minerId)).toMatchObject({ epoch: 1 });
  });
});
