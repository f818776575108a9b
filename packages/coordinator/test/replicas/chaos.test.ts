import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type PostgresServer, startPostgres } from '../../../../test/postgres.ts';
import { openStore, readConfig } from '../../src/index.ts';
import type { Store } from '../../src/store/store.ts';
import { falseCheckpoints, publishedNotes } from '../harness/ledger.ts';
import { randomNumbers } from '../harness/random.ts';
import { falseReceipts, violations } from '../invariants/violations.ts';
import { type Acknowledged, startLoad } from './chaos-load.ts';
import { type Replica, type Replicas, startReplicas } from './replicas.ts';

const REPLICAS = 3;
const MINERS = 30;
const JOBS = Number(process.env.AITBC_CHAOS_JOBS ?? 1_000);
const SEED = Number(process.env.AITBC_CHAOS_SEED ?? 20_260_124);

/** Each once while jobs are submitted and run, in an order that the seed decides. */
const DISASTERS = {
  'kill a coordinator': 3,
  'freeze a coordinator': 1,
  'kill the database': 2,
} as const;
type Disaster = keyof typeof DISASTERS;

function shuffled(random: () => number): Disaster[] {
  const all = Object.entries(DISASTERS).flatMap(([name, times]) =>
    Array<Disaster>(times).fill(name as Disaster),
  );
  return all
    .map(disaster => ({ disaster, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ disaster }) => disaster);
}

let server: PostgresServer;
let replicas: Replicas;
let store: Store;
let acknowledged: Acknowledged;
/** Checkpoints that were served meanwhile, by any of them. */
const served = new Set<string>();

beforeAll(async () => {
  server = await startPostgres();
  const databaseUrl = await server.createDatabase();
  const args = ['--database-timeout-seconds', '2', '--lease-seconds', '6', '--ledger-interval', '0.1'];
  replicas = await startReplicas(Array(REPLICAS).fill(databaseUrl), args);
  acknowledged = await loadThroughDisasters();
  store = await openStore(readConfig({ given: { databaseUrl } }), undefined);
}, 180_000);
afterAll(async () => {
  await store?.close();
  await replicas.stop();
  await server.stop();
});

async function loadThroughDisasters(): Promise<Acknowledged> {
  const random = randomNumbers(SEED);
  const disasters = shuffled(random);
  const load = startLoad(
    replicas.all.map(({ url }) => url),
    MINERS,
    SEED,
  );

  async function strike(disaster: Disaster): Promise<void> {
    const victim = replicas.all[Math.floor(random() * REPLICAS)] as Replica;
    await load.completions(Math.floor((random() * JOBS) / disasters.length / 2));
    if (disaster === 'freeze a coordinator') {
      victim.server.child.kill('SIGSTOP');
      await load.completions(10);
      victim.server.child.kill('SIGCONT');
      return;
    }
    const target = disaster === 'kill the database' ? server : victim;
    await target.kill();
    await target.restart();
  }

  const followed = followLedger();
  for (const [index, disaster] of disasters.entries()) {
    const share = Math.floor((JOBS + index) / disasters.length);
    await Promise.all([load.submit(share), strike(disaster)]);
  }
  await load.finish();
  await followed.stop();
  return load.acknowledged;
}

/** Keeps what the replicas publish, in turn, as monitors do. */
function followLedger(): { stop(): Promise<void> } {
  let isOver = false;
  async function follow(): Promise<void> {
    for (let turn = 0; !isOver; turn++) {
      const signal = AbortSignal.timeout(500);
      const url = `${replicas.all[turn % REPLICAS]?.url}/ledger/checkpoint`;
      const response = await fetch(url, { signal }).catch(() => undefined);
      if (response?.ok) served.add(await response.text());
      await setTimeout(50);
    }
  }
  const following = follow();
  return {
    async stop() {
      isOver = true;
      await following;
    },
  };
}

describe(`${REPLICAS} coordinators and a database that are killed and frozen under load`, () => {
  const idsOf = ({ submitted }: Acknowledged) => [...submitted.values()].flat();

  test('have every job that they acknowledged, once, and no other', async () => {
    const stored = await store.read.selectFrom('job').select('id').orderBy('id').execute();
    expect(stored.map(({ id }) => id)).toEqual(idsOf(acknowledged).sort());
    expect(stored).toHaveLength(JOBS);
  });

  test('have completed every job', async () => {
    const others = store.read.selectFrom('job').select(['id', 'status']).where('status', '!=', 'completed');
    expect(await others.execute()).toEqual([]);
  });

  test('have one receipt of each job: the one that its miner was given', async () => {
    const stored = await store.read.selectFrom('entry').select(['job_id', 'body']).execute();
    expect(stored).toHaveLength(JOBS);
    expect(new Map(stored.map(({ job_id, body }) => [job_id, JSON.parse(body)]))).toEqual(
      acknowledged.receipts,
    );
  });

  test('have signed every receipt', async () => {
    const keys = (await replicas.all[0]?.client.signingKeys.list()) ?? [];
    expect(await falseReceipts(store.read, keys)).toEqual([]);
  });

  test('have published one history, in which every receipt is', async () => {
    const vkey = await (await fetch(`${replicas.all[0]?.url}/ledger/vkey`)).text();
    await vi.waitFor(async () => {
      const newest = (await publishedNotes(store.read)).at(-1);
      expect(Number(newest?.split('\n')[1])).toBe(JOBS);
    }, 10_000);
    const published = await publishedNotes(store.read);
    expect(served.size).toBeGreaterThan(5);
    expect(published).toEqual(expect.arrayContaining([...served]));
    expect(await falseCheckpoints(store.read, vkey.trim(), published)).toEqual([]);
  });

  test('count right', async () => {
    expect(await violations(store.read)).toEqual([]);
    for (const { client } of replicas.all)
      expect(await client.stats()).toMatchObject({
        total_jobs: JOBS,
        completed_jobs: JOBS,
        total_receipts: JOBS,
      });
  });
});
