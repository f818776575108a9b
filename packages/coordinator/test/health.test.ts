import { describe, expect, test } from 'vitest';
import { VERSION } from '../src/index.ts';
import { refusal } from './harness/answers.ts';
import { withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine, execute, sqlite } from './harness/engines.ts';

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
  const coordinator = withCoordinator(sqlite);
  const rename = (table: string, to: string) => {
    const statement = `ALTER TABLE ${table} RENAME TO ${to}`;
    return execute(coordinator.running.config, { sqlite: statement, postgres: statement });
  };

  test('makes its coordinator unready, until it answers again', async () => {
    await rename('setting', 'lost');
    const unready = await coordinator.call('GET', '/health/ready');
    const alive = await coordinator.call('GET', '/health');
    await rename('lost', 'setting');
    expect(refusal(unready)).toEqual([503, 'SYSTEM_OVERLOADED']);
    expect([unready.headers.get('retry-after'), unready.body]).toEqual([
      '1',
      expect.objectContaining({ retry_after: 1 }),
    ]);
    expect(alive.status).toBe(200);
    expect((await coordinator.call('GET', '/health/ready')).status).toBe(200);
  });
});
