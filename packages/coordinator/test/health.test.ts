import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { VERSION } from '../src/index.ts';
import { refusal } from './harness/answers.ts';
import { withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine, ENGINES, type Engine } from './harness/engines.ts';

describeEachEngine('health', engine => {
  const coordinator = withCoordinator(engine);

  test('a running coordinator is healthy', async () => {
    const { status, body } = await coordinator.call('GET', '/health');
    expect(status).toBe(200);
    expect(body).toEqual({ status: 'ok', version: VERSION });
  });

  test('it is ready while its store answers', async () => {
    expect((await coordinator.call('GET', '/health/ready')).status).toBe(200);
  });

  test('every route answers below /api too', async () => {
    expect((await coordinator.call('GET', '/api/health')).status).toBe(200);
  });
});

describe('a store that does not answer', () => {
  const coordinator = withCoordinator(ENGINES.find(({ name }) => name === 'sqlite') as Engine);

  test('makes its coordinator unready, until it answers again', async () => {
    const database = new DatabaseSync(join(coordinator.running.config.data, 'coordinator.db'));
    database.exec('ALTER TABLE setting RENAME TO lost');
    const unready = await coordinator.call('GET', '/health/ready');
    const alive = await coordinator.call('GET', '/health');
    database.exec('ALTER TABLE lost RENAME TO setting');
    database.close();
    expect(refusal(unready)).toEqual([503, 'SYSTEM_OVERLOADED']);
    expect([unready.headers.get('retry-after'), unready.body]).toEqual([
      '1',
      expect.objectContaining({ retry_after: 1 }),
    ]);
    expect(alive.status).toBe(200);
    expect((await coordinator.call('GET', '/health/ready')).status).toBe(200);
  });
});
