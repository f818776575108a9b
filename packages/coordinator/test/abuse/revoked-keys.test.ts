import type { Problem } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { revokeKey } from '../../src/accounts/create-key.ts';
import { createIds, createKey } from '../../src/index.ts';
import { actions, withCoordinator } from '../harness/coordinator.ts';
import { describeEachEngine } from '../harness/engines.ts';
import { listenTo } from '../harness/events.ts';

/* The attack: whoever stole a key keeps a stream or a wait open, and goes on after the key was revoked. */

describeEachEngine('When a key is revoked', engine => {
  const coordinator = withCoordinator(engine, { mode: 'keyed', keyCacheSeconds: 0 });

  async function newKey() {
    const { store } = coordinator.running.modules;
    const id = createIds(() => coordinator.now()).next('key');
    const { key } = await createKey(store, { id, name: null, scopes: ['client', 'miner'], expiresAt: null });
    return { key, revoke: () => revokeKey(store, id) };
  }

  test('its open streams end', async () => {
    const { key, revoke } = await newKey();
    const { job_id } = await actions(coordinator, key).submit();
    const listener = await listenTo(coordinator.url, job_id, { key });
    await listener.next();
    await revoke();
    expect(await listener.until('end')).toEqual([]);
  });

  test('its waits are refused', async () => {
    const { key, revoke } = await newKey();
    const { submit, register } = actions(coordinator, key);
    await register('gpu', { capabilities: ['m'] });
    const { job_id } = await submit({ model: 'nobody-runs-this' });
    const waits = [
      coordinator.call<Problem>('GET', `/v1/jobs/${job_id}?wait=30`, undefined, { key }),
      coordinator.call<Problem>('POST', '/v1/miners/gpu/claims', { wait: 30 }, { key }),
      coordinator.call<Problem>('POST', '/v1/miners/gpu/heartbeat', { wait: 30 }, { key }),
    ];
    await revoke();
    for (const { status, body } of await Promise.all(waits))
      expect([status, body.error_code]).toEqual([401, 'AUTH_INVALID_KEY']);
  });
});
