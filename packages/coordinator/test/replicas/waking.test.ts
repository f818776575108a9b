import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMigratedDatabase } from '../harness/engines.ts';
import { type Gate, openGate, type Said } from './gate.ts';
import { type LocalReplicas, startLocalReplicas } from './replicas.ts';

type Replica = LocalReplicas['all'][number];

/*
 * Who waits looks again after five seconds, whether or not it was told to. The deaf replica is told nothing, so that it
 * has only that; the other one starts to wait later. Were it not for the notification, it would answer later too.
 */
let replicas: LocalReplicas;
let gates: Gate[];
let deaf: Replica;
let hearing: Replica;
let elsewhere: Replica;

beforeAll(async () => {
  const url = await createMigratedDatabase();
  gates = [await openGate(url), await openGate(url)];
  // Nobody sweeps meanwhile, so that what is committed is known to be a request's.
  const options = { sweepSeconds: 60, databaseTimeoutSeconds: 60 };
  replicas = await startLocalReplicas([...gates.map(gate => gate.url), url], options);
  [deaf, hearing, elsewhere] = replicas.all as [Replica, Replica, Replica];
  for (const { client } of replicas.all)
    await client.miners.register({ miner_id: 'first', capabilities: ['m'] });
  gates[0]?.rule(({ by, on }) => (by === 'database' && on === 'listening' ? 'hold' : 'pass'));
});
afterAll(async () => {
  for (const gate of gates) gate.open();
  await replicas.stop();
  for (const gate of gates) await gate.close();
});

interface Wait {
  /** Asks and waits. */
  ask(replica: Replica): Promise<unknown>;
  /** What the database says to a first look that was in vain. */
  inVain(said: Said): boolean;
  /** Brings about, elsewhere, what both wait for. */
  bringAbout(): Promise<unknown>;
}

const nothingToDo = ({ by, on, text }: Said) =>
  by === 'database' && on === 'writing' && text.includes('COMMIT');
const asItWas =
  (model: string) =>
  ({ by, on, text }: Said) =>
    by === 'database' && on === 'reading' && text.includes(model);

async function waitForWork(
  model: string,
  ask: (replica: Replica, minerId: string) => Promise<unknown>,
): Promise<Wait> {
  const minerOf = (replica: Replica) => `${model}-${replicas.all.indexOf(replica)}`;
  for (const replica of replicas.all)
    await replica.client.miners.register({ miner_id: minerOf(replica), capabilities: [model] });
  return {
    ask: replica => ask(replica, minerOf(replica)),
    inVain: nothingToDo,
    bringAbout: () => elsewhere.client.jobs.submitBatch([1, 2].map(() => ({ prompt: 'Hello', model }))),
  };
}

async function waitForEnd(
  model: string,
  ask: (replica: Replica, jobId: string) => Promise<unknown>,
): Promise<Wait> {
  const job = { prompt: 'Hello', model };
  const { job_id } = await elsewhere.client.jobs.submit(job, { idempotencyKey: model });
  await elsewhere.client.miners.register({ miner_id: model, capabilities: [model] });
  await elsewhere.client.jobs.claim(job_id, model);
  return {
    ask: replica => ask(replica, job_id),
    inVain: asItWas(model),
    bringAbout: () => elsewhere.client.jobs.complete(job_id, { miner_id: model, result: 'Hello, you!' }),
  };
}

async function waitForText(model: string): Promise<Wait> {
  const { job_id } = await elsewhere.client.jobs.submit({ prompt: 'Hello', model, stream: true });
  await elsewhere.client.miners.register({ miner_id: model, capabilities: [model] });
  await elsewhere.client.jobs.claim(job_id, model);
  return {
    async ask({ client }) {
      for await (const { event } of client.jobs.events(job_id)) if (event === 'chunk') return;
    },
    inVain: asItWas(model),
    bringAbout: () =>
      elsewhere.client.jobs.postChunks(job_id, { miner_id: model, first: 0, chunks: ['Hello, you!'] }),
  };
}

async function waitForCancellation(model: string): Promise<Wait> {
  const { job_id } = await elsewhere.client.jobs.submit({ prompt: 'Hello', model });
  await elsewhere.client.miners.register({ miner_id: model, capabilities: [model] });
  await elsewhere.client.jobs.claim(job_id, model);
  return {
    ask: ({ client }) => client.miners.heartbeat(model, [job_id], { wait: 30 }),
    inVain: nothingToDo,
    bringAbout: () => elsewhere.client.jobs.cancel(job_id),
  };
}

const WAITS: Readonly<Record<string, () => Promise<Wait>>> = {
  'POST /v1/miners/{id}/claims': () =>
    waitForWork('claims', ({ client }, id) => client.miners.claimJobs(id, { wait: 30 })),
  'GET /v1/jobs/available': () =>
    waitForWork('available', ({ client }, id) => client.jobs.available(id, { wait: 30 })),
  'GET /v1/jobs/{id}': () => waitForEnd('get', ({ client }, id) => client.jobs.get(id, { wait: 30 })),
  'POST /v1/miners/{id}/heartbeat': () => waitForCancellation('heartbeat'),
  'GET /v1/jobs/{id}/events': () => waitForText('events'),
  'POST /v1/jobs': () =>
    waitForEnd('prefer', ({ client }) =>
      client.jobs.submit({ prompt: 'Hello', model: 'prefer' }, { idempotencyKey: 'prefer', wait: 30 }),
    ),
};

describe('what another coordinator does', () => {
  /** Who was answered in which order. */
  const orders = new Map<string, string[]>();

  beforeAll(async () => {
    const answers: Promise<unknown>[] = [];
    const bringAbout: Wait['bringAbout'][] = [];
    for (const [route, prepare] of Object.entries(WAITS)) {
      const wait = await prepare();
      const order: string[] = [];
      orders.set(route, order);
      bringAbout.push(wait.bringAbout);
      for (const [index, replica] of [deaf, hearing].entries()) {
        const looked = gates[index]?.hears(wait.inVain);
        answers.push(wait.ask(replica).then(() => order.push(replica === deaf ? 'deaf' : 'hearing')));
        await looked;
      }
    }
    for (const happen of bringAbout) await happen();
    await Promise.all(answers);
  });

  test.each(Object.keys(WAITS))(
    'ends a wait of %s by notification, and by a second look at the latest',
    route => {
      expect(orders.get(route)).toEqual(['hearing', 'deaf']);
    },
  );
});
