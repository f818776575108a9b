import type { Account, TrackedPayout } from '@aitbc/protocol';
import { roundCredits, transferOf, verifyEntry } from '@aitbc/receipts';
import { CoordinatorClient, openLedger } from '@aitbc/sdk';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { type Actions, actions, withCoordinator } from '../harness/coordinator.ts';
import { describeEachEngine } from '../harness/engines.ts';
import { makeGrant } from '../harness/scenes.ts';
import { violations } from '../invariants/violations.ts';

const RUNS = Number(process.env.AITBC_PROPERTY_RUNS ?? 5);

const who = fc.nat(2);
const model = fc.constantFrom('seconds', 'tokens');
const run = fc.record({
  kind: fc.constant('run' as const),
  who,
  ms: fc.nat(310_000),
  end: fc.constantFrom('complete', 'complete', 'complete', 'fail', 'vanish', 'cancel'),
  tokens: fc.nat(3_000),
});
const step = fc.oneof(
  fc.record({ kind: fc.constant('grant' as const), who, micros: fc.integer({ min: 1, max: 3_000_000 }) }),
  fc.record({
    kind: fc.constant('submit' as const),
    who,
    model,
    jobs: fc.integer({ min: 1, max: 4 }),
    limit: fc.option(fc.double({ min: 0.000001, max: 2, noNaN: true }), { nil: undefined }),
  }),
  fc.record({
    kind: fc.constant('pay out' as const),
    who,
    share: fc.constantFrom(0.5, 1, 2),
    next: fc.constantFrom('nothing', 'confirm', 'dispute', 'withdraw'),
  }),
  run,
  run,
);
const history = fc.array(step, { minLength: 20, maxLength: 60, size: 'max' });

interface Party extends Actions {
  key: string;
  account: Account;
}

describeEachEngine('what a history of grants, jobs and payouts has moved', engine => {
  const coordinator = withCoordinator(engine, {
    billing: 'prepaid',
    rate: 0.0123457,
    minRunSeconds: 0,
    tokenRates: { tokens: 1.2345 },
    tokenLimit: 500,
    jobTimeoutSeconds: 300,
    leaseSeconds: 300,
    retryBackoffSeconds: 0,
  });
  let admin: string;
  /** Three who submit jobs and run those of each other, and their own. */
  const parties: Party[] = [];
  const accountOf = async (key: string) =>
    (await coordinator.call<Account>('GET', '/v1/account', undefined, { key })).body;

  beforeAll(async () => {
    admin = await coordinator.key('admin');
    for (let number = 0; number < 3; number++) {
      const key = await coordinator.key('client', 'miner');
      const party = { key, account: await accountOf(key), ...actions(coordinator, key) };
      await party.register(`miner${number}`, { capabilities: ['seconds', 'tokens'] });
      parties.push(party);
    }
  });

  async function take(step: typeof history extends fc.Arbitrary<(infer S)[]> ? S : never): Promise<void> {
    const { key, account, claims, fail } = parties[step.who] as Party;
    if (step.kind === 'grant') {
      await makeGrant(coordinator, admin, { to: account.address, amount: step.micros / 1e6 });
    } else if (step.kind === 'pay out') {
      await payOut(parties[step.who] as Party, step);
    } else if (step.kind === 'submit') {
      const constraints = step.limit === undefined ? {} : { max_price: step.limit };
      const job = { prompt: 'Hello', model: step.model, constraints, max_attempts: 2, ttl_seconds: 3_600 };
      const jobs = Array.from({ length: step.jobs }, () => job);
      const { status } = await coordinator.call('POST', '/v1/jobs/batch', { jobs }, { key });
      expect([201, 402]).toContain(status);
    } else {
      const minerId = `miner${step.who}`;
      const [job] = await claims(minerId);
      await coordinator.pass({ seconds: step.ms / 1000 });
      if (!job) return;
      const path = `/v1/jobs/${job.job_id}`;
      const usage = { prompt_tokens: 3, completion_tokens: step.tokens };
      if (step.end === 'complete') {
        const completion = { miner_id: minerId, result: 'Hello, you!', usage };
        await coordinator.call('POST', `${path}/complete`, completion, { key });
      } else if (step.end === 'fail') await fail(job.job_id, minerId, { retryable: false }).catch(() => {});
      else if (step.end === 'cancel')
        await coordinator.call('POST', `${path}/cancel`, undefined, { key: admin });
    }
  }

  /** Pays a part of what can be paid, which is refused if it is more than all. */
  async function payOut({ key }: Party, { share, next }: { share: number; next: string }): Promise<void> {
    const { address, earnings } = await accountOf(key);
    const amount = roundCredits(earnings.payable * share);
    if (amount === 0) return;
    const request = { to: address, amount, method: 'cash' };
    const made = await coordinator.call<TrackedPayout>('POST', '/v1/payouts', request, { key: admin });
    expect(made.status).toBe(amount > earnings.payable ? 409 : 201);
    if (made.status !== 201 || next === 'nothing') return;
    const path = `/v1/payouts/${made.body.payout.payout_id}/${next}`;
    const by = { key: next === 'withdraw' ? admin : key };
    const body = next === 'confirm' ? {} : { reason: 'No' };
    expect((await coordinator.call('POST', path, body, by)).status).toBe(200);
  }

  /** What each address has, by the public ledger and the keys of the coordinator alone; in micro-credits. */
  async function balancesOfLedger(): Promise<Map<string, number>> {
    await coordinator.publish();
    const client = new CoordinatorClient(coordinator.url);
    const [vkey, keys] = [await client.ledger.vkey(), await client.signingKeys.list()];
    const ledger = openLedger(`${coordinator.url}/ledger`, { vkey });
    const balances = new Map<string, number>();
    const move = (address: string, by: number) => balances.set(address, (balances.get(address) ?? 0) + by);
    for await (const { bytes } of ledger.tree(await ledger.checkpoint()).entries()) {
      const { statement } = await verifyEntry(bytes, { keys });
      if (!statement) throw new Error(`An entry is not valid: ${new TextDecoder().decode(bytes)}`);
      const transfer = transferOf(statement);
      if (!transfer) continue;
      const { from, to, amount } = transfer;
      if (from !== null) move(from, -amount);
      if (to !== null) move(to, amount);
    }
    return balances;
  }

  test(
    'is what anyone computes from the published ledger, and what accounts show',
    async () => {
      await fc.assert(
        fc.asyncProperty(history, async steps => {
          for (const step of steps) await take(step);
          const { read } = coordinator.running.modules.store;
          expect(await violations(read)).toEqual([]);
          const accounts = await read.selectFrom('account').selectAll().execute();
          expect(accounts.filter(({ balance, reserved }) => reserved < 0 || balance < reserved)).toEqual([]);
          const computed = await balancesOfLedger();
          expect([...computed.values()].reduce((sum, balance) => sum + balance, 0)).toBeGreaterThan(0);
          expect(new Map(accounts.map(({ address, balance }) => [address, balance]))).toEqual(
            new Map(accounts.map(({ address }) => [address, computed.get(address) ?? 0])),
          );
          for (const { key, account } of parties)
            expect((await accountOf(key)).balance).toBe((computed.get(account.address) ?? 0) / 1e6);
        }),
        { numRuns: RUNS, examples: [[[{ kind: 'grant', who: 0, micros: 1 }]]] },
      );
    },
    RUNS * 5_000,
  );

  test('leaves nothing set aside when all its jobs have ended', async () => {
    for (const { submit, key, account } of parties) {
      await makeGrant(coordinator, admin, { to: account.address, amount: 10 });
      await submit({ model: 'seconds' });
      expect((await accountOf(key)).reserved).toBeGreaterThan(0);
    }
    // Their time is over; leases that the long pause has extended run out; what was handed back then has expired.
    for (const seconds of [86_400, 300, 0]) await coordinator.pass({ seconds });
    for (const { key } of parties) expect((await accountOf(key)).reserved).toBe(0);
  });
});
