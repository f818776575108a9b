import { CoordinatorClient } from '@aitbc/sdk';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openStore, readConfig } from '../../src/index.ts';
import { createMigratedDatabase } from '../harness/engines.ts';
import { violations } from '../invariants/violations.ts';
import { type Gate, openGate, type Said } from './gate.ts';
import { type Replica, type Replicas, startReplicas } from './replicas.ts';

/** One coordinator stands still, as when its machine is paused; another one goes on. */
let databaseUrl: string;
let gate: Gate;
let replicas: Replicas;
let frozen: Replica;
let other: CoordinatorClient;
/** Others for each test, so that none meets the jobs of another. */
let [model, slow, quick] = ['', '', ''];
let tests = 0;

beforeAll(async () => {
  databaseUrl = await createMigratedDatabase();
  gate = await openGate(databaseUrl);
  // Only the other one sweeps, so that the transactions of the first are those of requests.
  const sweeps = [
    ['--sweep-seconds', '60'],
    ['--sweep-seconds', '0.2'],
  ];
  const args = ['--database-timeout-seconds', '1', '--lease-seconds', '4'];
  replicas = await startReplicas([gate.url, databaseUrl], args, sweeps);
  frozen = replicas.all[0] as Replica;
  other = new CoordinatorClient(replicas.all[1]?.url ?? '', { maxRetries: 5 });
});
afterAll(async () => {
  await replicas?.stop();
  await gate?.close();
});
// One that failed leaves it frozen.
afterEach(() => void frozen?.server.child.kill('SIGCONT'));
beforeEach(async () => {
  tests++;
  [model, slow, quick] = [`model${tests}`, `slow${tests}`, `quick${tests}`];
  for (const id of [slow, quick])
    await frozen.client.miners.register({ miner_id: id, capabilities: [model] });
});

const freeze = () => frozen.server.child.kill('SIGSTOP');
const thaw = () => frozen.server.child.kill('SIGCONT');

/** Freezes it at the moment when something is said, which happens all the same. Resolves when it is frozen. */
async function freezeWhen(matches: (said: Said) => boolean): Promise<void> {
  await gate.hears(said => matches(said) && freeze());
}

/** Matches what is said once a transaction has named a job. The coordinator has other transactions, too. */
function inTransactionOf(jobId: string, matches: (said: Said) => boolean): (said: Said) => boolean {
  let isBegun = false;
  return said => {
    if (said.on !== 'writing') return false;
    if (said.by === 'coordinator') isBegun ||= said.text.includes(jobId);
    return isBegun && matches(said);
  };
}

const submit = () => other.jobs.submit({ prompt: 'Hello', model });
const complete = (client: CoordinatorClient, jobId: string, minerId: string) =>
  client.jobs.complete(jobId, { miner_id: minerId, result: `The answer of ${minerId}` });

/** A job that a miner has claimed from the one that will freeze. */
async function claimed(): Promise<string> {
  const { job_id } = await submit();
  await frozen.client.jobs.claim(job_id, slow);
  return job_id;
}

/** What the miner is told whose completion was under way. */
async function settled(completion: Promise<object>): Promise<unknown> {
  return await completion.then(
    () => 'completed',
    error => error.errorCode,
  );
}

/** The other one gives a job away whose lease has run out, to a miner that completes it. */
async function quickCompletes(jobId: string): Promise<void> {
  expect(await other.miners.claimJobs(quick, { wait: 30 })).toMatchObject([{ job_id: jobId }]);
  await complete(other, jobId, quick);
}

async function expectCompletedOnce(jobId: string, minerId: string): Promise<void> {
  for (const client of [frozen.client, other])
    expect(await client.jobs.get(jobId)).toMatchObject({
      status: 'completed',
      result: `The answer of ${minerId}`,
    });
  const store = await openStore(readConfig({ given: { databaseUrl } }), undefined);
  expect(await violations(store.read)).toEqual([]);
  const entries = store.read.selectFrom('entry').select('job_id').where('job_id', '=', jobId);
  expect(await entries.execute()).toEqual([{ job_id: jobId }]);
  await store.close();
}

describe('a coordinator that stands still', () => {
  test('loses its leases, and refuses what comes too late', async () => {
    const job = await claimed();
    freeze();
    const late = settled(complete(frozen.client, job, slow));
    await quickCompletes(job);
    thaw();
    expect(await late).toBe('JOB_ALREADY_COMPLETED');
    await expectCompletedOnce(job, quick);
  });

  test('in the middle of a transaction holds up the others for a moment only', async () => {
    const job = await claimed();
    const holding = freezeWhen(
      ({ by, on, text }) => by === 'database' && on === 'writing' && text.includes('pg_advisory_xact_lock'),
    );
    const late = settled(complete(frozen.client, job, slow));
    await holding;
    await quickCompletes(job);
    thaw();
    // Its transaction was undone, and it answers to try again. If it was another one, the completion is only late.
    expect(['SYSTEM_OVERLOADED', 'JOB_ALREADY_COMPLETED']).toContain(await late);
    expect(await settled(complete(frozen.client, job, slow))).toBe('JOB_ALREADY_COMPLETED');
    await expectCompletedOnce(job, quick);
  });

  test('in the middle of a large answer of the database does so too', async () => {
    const prompt = 'large'.repeat(50_000);
    for (const _ of [1, 2])
      await other.jobs.submitBatch(Array.from({ length: 60 }, () => ({ prompt, model })));
    const reading = freezeWhen(({ by, text }) => by === 'database' && text.includes('largelarge'));
    const claiming = frozen.client.miners.claimJobs(slow, { max: 120 }).catch(({ errorCode }) => errorCode);
    await reading;
    await other.jobs.cancel((await submit()).job_id);
    thaw();
    expect(await claiming).toBe('SYSTEM_OVERLOADED');
  });

  test('having asked to commit has done so, and says it later', async () => {
    const job = await claimed();
    const asked = freezeWhen(
      inTransactionOf(
        job,
        ({ by, text }) => by === 'coordinator' && text.lastIndexOf('COMMIT') > text.indexOf(job),
      ),
    );
    const late = settled(complete(frozen.client, job, slow));
    await asked;
    expect(await other.jobs.get(job, { wait: 15 })).toMatchObject({ status: 'completed' });
    expect(await other.miners.claimJobs(quick)).toEqual([]);
    thaw();
    expect(await late).toBe('completed');
    await expectCompletedOnce(job, slow);
  });

  test('gives nothing to those who wait at it that others have taken', async () => {
    const looked = gate.hears(
      ({ by, on, text }) => by === 'database' && on === 'writing' && text.includes('COMMIT'),
    );
    const waiting = frozen.client.miners.claimJobs(slow, { wait: 2 });
    await looked;
    freeze();
    const { job_id } = await submit();
    await quickCompletes(job_id);
    thaw();
    expect(await waiting).toEqual([]);
    await expectCompletedOnce(job_id, quick);
  });
});
