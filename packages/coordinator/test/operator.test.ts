import type { AuditEntry, ConfiguredOption, Miner, OperatorProblem } from '@aitbc/protocol';
import { beforeAll, describe, expect, test } from 'vitest';
import { OPTIONS } from '../src/config.ts';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine, describeOneEngine } from './harness/engines.ts';

const MINUTE = 60;

describeEachEngine('what is wrong now', engine => {
  const coordinator = withCoordinator(engine, { overloadSeconds: 60 });
  const { register, submit, claims, fail, heartbeat } = actions(coordinator);
  let admin: string;
  beforeAll(async () => {
    admin = await coordinator.key('admin');
  });

  /** The disk of a test may be full or not. */
  async function problems() {
    const { body } = await coordinator.call<OperatorProblem[]>('GET', '/v1/operator/problems', undefined, {
      key: admin,
    });
    return body.filter(({ kind }) => kind !== 'DISK_LOW').map(({ kind, subject }) => [kind, subject]);
  }

  test('is nothing at first, and then what jobs wait for, the miners, and the ledger', async () => {
    expect(await problems()).toEqual([]);
    await submit({ model: 'nobody' });
    await register('busy', { capabilities: ['busy'] });
    await submit({ model: 'busy' });
    expect(await problems()).toEqual([['NO_MINER', 'nobody']]);
    for (let minute = 0; minute < 11; minute++) {
      coordinator.moveClock({ seconds: MINUTE });
      await heartbeat('busy');
    }
    expect(await problems()).toEqual([
      ['NO_MINER', 'nobody'],
      ['OLD_JOBS', 'busy'],
    ]);
    for (let count = 0; count < 4; count++) {
      await submit({ model: 'busy', max_attempts: 1 });
      const [job] = await claims('busy');
      await fail(job?.job_id ?? '', 'busy');
    }
    expect(await problems()).toContainEqual(['MINER_FAILING', 'busy']);
  });

  test('is a ledger that is not published', async () => {
    await register('earns', { capabilities: ['earns'] });
    const { job_id } = await submit({ model: 'earns' });
    await claims('earns');
    await actions(coordinator).complete(job_id, 'earns');
    coordinator.moveClock({ seconds: 2 * MINUTE });
    expect(await problems()).toContainEqual(['LEDGER_BEHIND', null]);
    await coordinator.publish();
    expect(await problems()).not.toContainEqual(['LEDGER_BEHIND', null]);
  });

  test('is a miner that an administrator suspends, until it is reinstated', async () => {
    const key = admin;
    await register('suspended', { capabilities: ['suspended'] });
    await submit({ model: 'suspended' });
    const act = async (what: string) =>
      (await coordinator.call<Miner>('POST', `/v1/miners/suspended/${what}`, undefined, { key })).body;
    expect((await act('suspend')).reputation.suspended_at).not.toBeNull();
    const [first] = (await coordinator.call<AuditEntry[]>('GET', '/v1/audit-log?limit=1', undefined, { key }))
      .body;
    expect(first).toMatchObject({ action: 'miner.suspend', target: 'suspended', source: 'api' });
    expect(await claims('suspended')).toEqual([]);
    expect(await problems()).toContainEqual(['MINER_SUSPENDED', 'suspended']);
    expect((await act('reinstate')).reputation.suspended_at).toBeNull();
    expect(await problems()).not.toContainEqual(['MINER_SUSPENDED', 'suspended']);
    expect(await claims('suspended')).toHaveLength(1);
  });
});

describeOneEngine('the configuration', engine => {
  const coordinator = withCoordinator(engine, { rate: 0.25 });

  test('is shown to administrators as it is, each option with its value', async () => {
    const key = await coordinator.key('admin');
    const { body } = await coordinator.call<ConfiguredOption[]>(
      'GET',
      '/v1/operator/configuration',
      undefined,
      {
        key,
      },
    );
    expect(body.map(({ name }) => name)).toEqual(Object.keys(OPTIONS));
    const option = (name: string) => body.find(each => each.name === name);
    expect(option('rate')).toMatchObject({
      ...{ flag: '--rate', variable: 'AITBC_RATE', value: 0.25, is_default: false },
    });
    expect(option('leaseSeconds')).toMatchObject({ value: 120, unit: 'SECONDS', is_default: true });
    expect(option('databaseUrl')).toMatchObject({ value: null, is_default: true });
  });
});

describe('secrets in options', () => {
  test.each([
    ['postgres://aitbc:secret@db.example/aitbc', 'postgres://aitbc:***@db.example/aitbc'],
    ['postgres://db.example/aitbc?password=secret', 'postgres://db.example/aitbc?***'],
    ['postgres://db.example/aitbc', 'postgres://db.example/aitbc'],
    ['host=db password=secret', '***'],
  ])('are not in what is shown of %s', (address, shown) => {
    expect(OPTIONS.databaseUrl.withoutSecrets?.(address)).toBe(shown);
  });

  test('are only in options that say so: a new one with such a name must', () => {
    const named = Object.entries(OPTIONS).filter(([name]) =>
      /url|password|secret|token(?!Limit|Rates)/i.test(name),
    );
    expect(named.map(([name]) => name)).toEqual(['databaseUrl']);
    for (const [, option] of named) expect(option).toHaveProperty('withoutSecrets');
  });
});
