import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Problem } from '@aitbc/protocol';
import { afterEach, describe, expect, test } from 'vitest';
import { type Answer, actions, withCoordinator } from '../harness/coordinator.ts';
import { sqlite } from '../harness/engines.ts';

/* One client submits more than the disk takes: while writes lag, it is refused, and others are served. */

describe('When writes lag by more than --overload-seconds', () => {
  const coordinator = withCoordinator(sqlite, { mode: 'keyed', overloadSeconds: 0.4 });
  let release = () => {};
  afterEach(() => release());

  /** Keeps the coordinator from writing until it is released, as a slow disk does. */
  function holdWrites() {
    const database = new DatabaseSync(join(coordinator.running.config.data, 'coordinator.db'));
    database.exec('BEGIN IMMEDIATE');
    release = () => {
      release = () => {};
      database.exec('ROLLBACK');
      database.close();
    };
  }

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

    holdWrites();
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
    release();

    expect(refused.body).toMatchObject({ error_code: 'SYSTEM_OVERLOADED', retry_after: 1 });
    expect(refused.headers.get('retry-after')).toBe('1');
    const [submitted] = (await Promise.all(others)) as [Answer, ...unknown[]];
    expect(submitted.status).toBe(201);
    const statuses = (await Promise.all(stored)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([201, 503]));
    expect((await submit(greedy)).status).toBe(201);
  });
});
