import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Health } from '@aitbc/protocol';
import { describe, expect, test } from 'vitest';
import { createClockWatch } from '../src/clock-watch.ts';
import { VERSION } from '../src/index.ts';
import { refusal } from './harness/answers.ts';
import { actions, withCoordinator } from './harness/coordinator.ts';
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

describe('components', () => {
  const coordinator = withCoordinator(sqlite, { mode: 'keyed' });

  async function components() {
    const key = await coordinator.key('admin');
    const { status, body } = await coordinator.call<Health>('GET', '/health/ready', undefined, { key });
    return { status, components: body.components };
  }

  test('are told to administrators', async () => {
    const ok = { status: 'ok' };
    expect(await components()).toEqual({
      status: 200,
      components: { store: ok, ledger: ok, signing_key: ok, clock: ok },
    });
    expect((await coordinator.call('GET', '/health/ready')).body).not.toHaveProperty('components');
  });

  test('a signing key that is gone makes it unready, until it is back', async () => {
    const { data } = coordinator.running.config;
    await rename(join(data, 'signing-key.pem'), join(data, 'elsewhere'));
    const lost = await components();
    await rename(join(data, 'elsewhere'), join(data, 'signing-key.pem'));
    expect(lost).toMatchObject({ status: 503, components: { signing_key: { status: 'failing' } } });
    expect((await components()).status).toBe(200);
  });

  test('a last checkpoint that can not be kept makes it unready, until it can', async () => {
    const { data } = coordinator.running.config;
    const { submit, register, claim, complete } = actions(
      coordinator,
      await coordinator.key('client', 'miner'),
    );
    const { job_id } = await submit();
    await register('rig');
    await claim(job_id, 'rig');
    await complete(job_id, 'rig');
    const file = join(data, 'ledger-checkpoint.lock');
    await rm(file, { force: true });
    await mkdir(file);
    await expect(coordinator.publish()).rejects.toThrow();
    const stopped = await components();
    await rm(file, { recursive: true });
    await coordinator.publish();
    expect(stopped).toMatchObject({ status: 503, components: { ledger: { status: 'failing' } } });
    expect((await components()).status).toBe(200);
  });
});

describe('a step of the clock', () => {
  let ms = 0;
  const watch = createClockWatch(
    () => Date.parse('2026-01-24T15:00:00Z') + ms,
    () => 0,
  );

  test('is a fault until a sweep has dealt with it, and told of for an hour', () => {
    expect([watch.check(), watch.warning?.()]).toEqual([undefined, undefined]);
    ms = 3_600_000;
    expect(watch.check()).toMatch('set ahead by 3600 s');
    watch.noteSettled(3_600_000);
    expect([watch.check(), watch.warning?.()]).toEqual([
      undefined,
      'The clock was set ahead by 3600 s at 2026-01-24T16:00:00.000Z, and the times of what runs were moved along',
    ]);
    ms = 3_600_900;
    expect(watch.check()).toBeUndefined();
  });
});

describe('a store that does not answer', () => {
  const coordinator = withCoordinator(sqlite);
  const renameTable = (table: string, to: string) => {
    const statement = `ALTER TABLE ${table} RENAME TO ${to}`;
    return execute(coordinator.running.config, { sqlite: statement, postgres: statement });
  };

  test('makes its coordinator unready, until it answers again', async () => {
    await renameTable('setting', 'lost');
    const unready = await coordinator.call('GET', '/health/ready');
    const alive = await coordinator.call('GET', '/health');
    await renameTable('lost', 'setting');
    expect(refusal(unready)).toEqual([503, 'SYSTEM_OVERLOADED']);
    expect([unready.headers.get('retry-after'), unready.body]).toEqual([
      '1',
      expect.objectContaining({ retry_after: 1 }),
    ]);
    expect(alive.status).toBe(200);
    expect((await coordinator.call('GET', '/health/ready')).status).toBe(200);
  });
});
