import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Problem } from '@aitbc/protocol';
import { Client } from 'pg';
import { afterEach, describe, expect, test } from 'vitest';
import { type Answer, actions, withCoordinator } from '../harness/coordinator.ts';
import { type DatabaseOptions, describeEachEngine, sqlite } from '../harness/engines.ts';

/* One client submits more than the disk takes: while writes lag, it is refused, and others are served. */

/** Keeps a coordinator from writing until what it answers is called, as a slow disk does. */
async function holdWrites({ data, databaseUrl }: DatabaseOptions): Promise<() => Promise<void>> {
  if (databaseUrl === undefined) {
    const database = new DatabaseSync(join(data, 'coordinator.db'));
    database.exec('BEGIN IMMEDIATE');
    return async () => database.close();
  }
  const client = new Client(databaseUrl);
  await client.connect();
  // Nobody can add a job while this lock is held.
  await client.query('BEGIN; LOCK TABLE job IN SHARE MODE');
  return () => client.end();
}

describeEachEngine('When writes lag by more than --overload-seconds', engine => {
  const coordinator = withCoordinator(engine, { mode: 'keyed', overloadSeconds: 0.4 });
  let release = async () => {};
  afterEach(() => release());

  test('jobs of who has most in the queue are refused for a while, and nobody else’s', async () => {
    const [greedy, honest, gpu] = [
      await coordinator.key('client'),
      await coordinator.key('client'),
      await coordinator.key('miner'),
    ];
    const submit = (key: string) =>
      coordinator.call<Problem>('POST', '/v1/jobs', { prompt: 'Hi', model: 'lagging' }, { key });
    const miner = actions(coordinator, gpu);
    await miner.register('lagging', { capabilities: ['lagging'] });
    await submit(honest);
    const [held] = await miner.claims('lagging');

    const letGo = await holdWrites(coordinator.running.config as DatabaseOptions);
    release = async () => {
      release = async () => {};
      await letGo();
    };
    const stored: Promise<Answer<Problem>>[] = [];
    let refused: Answer<Problem> | undefined;
    while (!refused) {
      const answer = submit(greedy);
      stored.push(answer);
      const soon = new Promise<undefined>(resolve => setTimeout(resolve, 20));
      const first = await Promise.race([answer, soon]);
      if (first?.status === 503) refused = first;
    }
    const others = [
      submit(honest),
      miner.complete(held?.job_id ?? '', 'lagging'),
      miner.heartbeat('lagging', []),
    ];
    // They have come, and wait to be stored, when a later request is answered.
    await coordinator.call('GET', '/health');
    await release();

    expect(refused.body).toMatchObject({ error_code: 'SYSTEM_OVERLOADED', retry_after: 1 });
    expect(refused.headers.get('retry-after')).toBe('1');
    const [submitted] = (await Promise.all(others)) as [Answer, ...unknown[]];
    expect(submitted.status).toBe(201);
    const statuses = (await Promise.all(stored)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([201, 503]));
    expect((await submit(greedy)).status).toBe(201);
  });
});

describe('A coordinator that was paused, as by a machine that sleeps', () => {
  const coordinator = withCoordinator(sqlite, { overloadSeconds: 0.1 });
  const submit = () => coordinator.call('POST', '/v1/jobs', { prompt: 'Hi', model: 'paused' });

  /** It runs in this process. */
  const pause = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

  test('turns nobody away when it goes on', async () => {
    pause(600);
    const afterwards = await submit();
    const before = Array.from({ length: 6 }, submit);
    await coordinator.call('GET', '/health');
    pause(600);
    const answers = await Promise.all([...before, submit(), submit()]);

    expect([afterwards, ...answers].map(({ status }) => status)).toEqual(Array(9).fill(201));
  });
});
