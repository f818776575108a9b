import { expect, test } from 'vitest';
import { withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';

describeEachEngine('health', engine => {
  const coordinator = withCoordinator(engine);

  test('a running coordinator is healthy', async () => {
    const { status, body } = await coordinator.call('GET', '/health');
    expect(status).toBe(200);
    expect(body).toMatchObject({ status: 'ok' });
  });

  test('it is ready while its store answers', async () => {
    expect((await coordinator.call('GET', '/health/ready')).status).toBe(200);
  });

  test('every route answers below /api too', async () => {
    expect((await coordinator.call('GET', '/api/health')).status).toBe(200);
  });
});
