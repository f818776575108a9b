import type { Account, PublicKeys } from '@aitbc/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type TestCoordinator, withCoordinator } from '../harness/coordinator.ts';
import { describeEachEngine } from '../harness/engines.ts';
import { makeGrant } from '../harness/scenes.ts';
import { type Belief, compareAll, enter, histories, type Stage } from './commands.ts';
import { TERMS } from './model.ts';
import { withTwoInTurn } from './two-in-turn.ts';
import { falseReceipts, violations } from './violations.ts';

/** Of each client: enough for some open jobs, not for as many as it may want. */
const CREDITS = 12;

const RUNS = Number(process.env.AITBC_PROPERTY_RUNS ?? 3);

describeEachEngine('whatever is asked of it, in whatever order', engine => {
  followsTheRules(withCoordinator(engine, TERMS), RUNS, true);
});

describe('whichever of two coordinators is asked', () => {
  followsTheRules(withTwoInTurn(TERMS), Math.ceil(RUNS / 2), false);
});

/** @param knowsMiners whether the coordinator that is asked knows all live miners at once */
function followsTheRules(coordinator: TestCoordinator, numRuns: number, knowsMiners: boolean) {
  let started = 0;
  let lastReceipt = -1;

  async function setUp(): Promise<{ model: Belief; real: Stage }> {
    const newKey = () => coordinator.keyWith({ maxPriority: 10 }, 'client', 'miner');
    const keys = [await newKey(), await newKey()];
    const addresses: string[] = [];
    for (const key of keys) {
      const { address } = (await coordinator.call<Account>('GET', '/v1/account', undefined, { key })).body;
      addresses.push(address);
      await makeGrant(coordinator, await coordinator.key('admin'), { to: address, amount: CREDITS });
    }
    // Nothing of an earlier history is due any more.
    for (let sweeps = 0; sweeps < 2; sweeps++) await coordinator.running.sweep();
    const now = coordinator.now();
    const real = { coordinator, keys, addresses, prefix: `history${started++}` };
    const balances = keys.map(() => CREDITS * 1e6);
    const begun = { now, sweptAt: now, knowsMiners, jobs: [], miners: [], keys: [], balances };
    return { model: { states: [begun] }, real };
  }

  test(
    'the coordinator answers as the rules of the job say, and every count stays right',
    async () => {
      await fc.assert(
        fc.asyncProperty(histories, async commands => {
          const { model, real } = await setUp();
          await enter(model, real);
          await fc.asyncModelRun(() => ({ model, real }), commands);
          await compareAll(model, real);
          const { read } = coordinator.running.modules.store;
          expect(await violations(read)).toEqual([]);
          const { keys } = (await coordinator.call<PublicKeys>('GET', '/v1/keys')).body;
          expect(await falseReceipts(read, keys, lastReceipt)).toEqual([]);
          const newest = await read
            .selectFrom('entry')
            .select('leaf_index')
            .orderBy('leaf_index', 'desc')
            .executeTakeFirst();
          lastReceipt = newest?.leaf_index ?? -1;
        }),
        // Shrinking takes longer than the test may: the seed finds the history again.
        { numRuns, endOnFailure: true },
      );
    },
    Math.max(numRuns * 15_000, 120_000),
  );
}
