import type { Job } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { createKey } from '../src/index.ts';
import { refusal } from './harness/answers.ts';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';
import { makeKey, revoke } from './harness/keys.ts';

describeEachEngine('a key', engine => {
  const coordinator = withCoordinator(engine, { mode: 'keyed' });

  test.each([
    'X-Api-Key: KEY',
    'Authorization: Bearer KEY',
    'Authorization: bearer KEY',
    'Authorization: KEY',
  ])('may come as %s', async line => {
    const read = (key: string) => {
      const [name = '', value = ''] = line.replace('KEY', key).split(': ');
      return coordinator.call<Job[]>('GET', '/v1/jobs', undefined, { headers: { [name]: value } });
    };
    const key = await coordinator.key('client');
    const { job_id } = await actions(coordinator, key).submit();
    expect((await read(key)).body).toEqual([expect.objectContaining({ job_id })]);
    expect(refusal(await read('wrong'))).toEqual([401, 'AUTH_INVALID_KEY']);
    expect(refusal(await read(''))).toEqual([401, 'AUTH_INVALID_KEY']);
  });

  test('in X-Api-Key counts where both headers are sent', async () => {
    const headers = { authorization: 'Bearer of-a-proxy' };
    const key = await coordinator.key('client');
    const answer = await coordinator.call('GET', '/v1/jobs', undefined, { key, headers });
    expect(answer.status).toBe(200);
  });

  test('with both scopes serves clients and miners', async () => {
    const { submit, register, claims, complete } = actions(
      coordinator,
      await coordinator.key('client', 'miner'),
    );
    await register('both', { capabilities: ['both'] });
    const { job_id } = await submit({ model: 'both' });
    await claims('both');
    expect((await complete(job_id, 'both')).job_id).toBe(job_id);
  });

  test('can be made for an account that there is, which then has two', async () => {
    const first = await makeKey(coordinator, ['client']);
    const { job_id } = await actions(coordinator, first.key).submit();
    const second = await createKey(coordinator.running.modules.store, { ...first, id: 'key-second' });
    expect((await actions(coordinator, second.key).job(job_id)).job_id).toBe(job_id);
  });
});

describeEachEngine('a key in use', engine => {
  const coordinator = withCoordinator(engine, { mode: 'keyed', keyCacheSeconds: 5 });
  const read = (key: string) => coordinator.call('GET', '/v1/jobs', undefined, { key });

  test('is refused some seconds after it was revoked', async () => {
    const { id, key } = await makeKey(coordinator, ['client']);
    expect((await read(key)).status).toBe(200);
    await revoke(coordinator, id);
    coordinator.moveClock({ seconds: 5 });
    expect(refusal(await read(key))).toEqual([401, 'AUTH_INVALID_KEY']);
  });

  test('is refused at the moment when it expires', async () => {
    const { key } = await makeKey(coordinator, ['client'], coordinator.now() + 2_000);
    coordinator.moveClock({ seconds: 1 });
    expect((await read(key)).status).toBe(200);
    coordinator.moveClock({ seconds: 1 });
    expect(refusal(await read(key))).toEqual([401, 'AUTH_EXPIRED_KEY']);
  });
});
