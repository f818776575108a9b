import type { AddressDay, AddressDetail, MinerDay, Receipt } from '@aitbc/protocol';
import { addressFromLabel } from '@aitbc/receipts';
import { beforeAll, expect, test } from 'vitest';
import { HISTORY_DAYS } from '../../protocol/src/explorer.ts';
import { runStep } from '../src/store/store.ts';
import { refusal } from './harness/answers.ts';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';
import { makeGrant } from './harness/scenes.ts';

const MINUTE = 60;
const DAY = 24 * 3600;

describeEachEngine('the history of the explorer', engine => {
  const coordinator = withCoordinator(engine);
  let receipt: Receipt;
  let admin: string;

  const get = async <Body>(path: string) => (await coordinator.call<Body>('GET', path)).body;
  const addressDays = (address: string) => get<AddressDay[]>(`/explorer/addresses/${address}/days`);
  const minerDays = (id: string) => get<MinerDay[]>(`/explorer/miners/${id}/days`);

  async function count(operation: 'countAccountDays' | 'countMinerDays') {
    const { store, operations } = coordinator.running.modules;
    while (await runStep(store, operations[operation]));
  }

  /** Lets slots of five minutes go by, each of which is counted once, or more often. */
  async function passSlots(slots: number, heartbeat: boolean) {
    for (let slot = 0; slot < slots; slot++) {
      await coordinator.pass({ seconds: 5 * MINUTE });
      if (heartbeat) await actions(coordinator).heartbeat('steady');
      await count('countMinerDays');
      if (slot === 0) await count('countMinerDays');
    }
  }

  async function run(seconds: number) {
    const { submit, claims, complete } = actions(coordinator);
    const { job_id } = await submit();
    await claims('steady');
    coordinator.moveClock({ seconds });
    return await complete(job_id, 'steady');
  }

  /** 2026-01-24 from 15:00 on: half of the time there. The next day: always there. */
  beforeAll(async () => {
    admin = await coordinator.key('admin');
    await actions(coordinator).register('steady');
    await passSlots(4, true);
    receipt = await run(10);
    await passSlots(4, false);
    coordinator.moveClock({ seconds: DAY });
    await actions(coordinator).heartbeat('steady');
    await run(20);
    await passSlots(4, true);
    await makeGrant(coordinator, admin, { to: receipt.provider, amount: 5 });
    await count('countAccountDays');
  });

  test('of a miner has its availability and earnings on each day', async () => {
    const days = await minerDays('steady');
    expect(days).toHaveLength(HISTORY_DAYS.miner);
    expect(days.slice(-2).map(({ day, jobs, credits }) => ({ day, jobs, credits }))).toEqual([
      { day: '2026-01-24', jobs: 1, credits: 0.1 },
      { day: '2026-01-25', jobs: 1, credits: 0.2 },
    ]);
    const [first, second] = days.slice(-2).map(({ availability }) => availability ?? -1);
    expect(first).toBeGreaterThan(0.4);
    expect(first).toBeLessThan(0.7);
    expect(second).toBe(1);
    // It was not there yet.
    expect(days.at(-3)).toMatchObject({ day: '2026-01-23', availability: null, jobs: 0 });
  });

  test('of a miner that was not counted yet says nothing of today', async () => {
    const today = async (id: string) => (await minerDays(id)).at(-1)?.availability;
    await count('countMinerDays');
    await actions(coordinator).register('newcomer');
    expect(await today('newcomer')).toBeNull();
    await count('countMinerDays');
    expect(await today('newcomer')).toBe(1);
    // A slot that has just begun is no absence.
    coordinator.moveClock({ seconds: 5 * MINUTE });
    expect(await today('newcomer')).toBe(1);
    expect(await today('steady')).toBe(1);
    await coordinator.call('DELETE', '/v1/miners/newcomer');
  });

  test('of a miner that is not there is 404', async () => {
    expect(refusal(await coordinator.call('GET', '/explorer/miners/nobody/days'))).toEqual([
      404,
      'MINER_NOT_FOUND',
    ]);
  });

  test('of an address has what it received and sent, and ends with its balance', async () => {
    const days = await addressDays(receipt.provider);
    const { balance } = await get<AddressDetail>(`/explorer/addresses/${receipt.provider}`);
    expect(days).toEqual([
      {
        day: '2026-01-24',
        received: 0.1,
        sent: expect.any(Number),
        balance: expect.any(Number),
        transactions: 1,
      },
      { day: '2026-01-25', received: 5.2, sent: expect.any(Number), balance, transactions: 2 },
    ]);
    expect(days[1]?.balance).toBeCloseTo((days[0]?.balance ?? 0) + 5.2 - (days[1]?.sent ?? 0), 6);
    const client = await addressDays(receipt.client);
    expect(client.at(-1)?.balance).toBe(
      (await get<AddressDetail>(`/explorer/addresses/${receipt.client}`)).balance,
    );
  });

  test('of an address that the ledger does not name is empty, and what is no address is 400', async () => {
    expect(await addressDays(addressFromLabel('nobody'))).toEqual([]);
    expect((await coordinator.call('GET', '/explorer/addresses/ait1qqqq/days')).status).toBe(400);
  });

  test('counts an entry once, and new ones later', async () => {
    const before = await addressDays(receipt.provider);
    await count('countAccountDays');
    expect(await addressDays(receipt.provider)).toEqual(before);
    await makeGrant(coordinator, admin, { to: receipt.provider, amount: 1 });
    await count('countAccountDays');
    const after = await addressDays(receipt.provider);
    expect(after.at(-1)?.received).toBeCloseTo((before.at(-1)?.received ?? 0) + 1, 6);
  });

  test('of a miner is kept for as long as it is shown', async () => {
    const { store } = coordinator.running.modules;
    const days = async () =>
      (await store.read.selectFrom('miner_day').select('day').where('id', 'like', 'steady/%').execute()).map(
        ({ day }) => day,
      );
    expect(await days()).toHaveLength(2);
    await coordinator.pass({ seconds: HISTORY_DAYS.miner * DAY });
    await count('countMinerDays');
    // Only the day on which the miner is there again.
    expect(await days()).toHaveLength(1);
  });
});
