import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verifyReceipt } from '@aitbc/receipts';
import { CoordinatorClient, type Job, type NumberedJobEvent, type Receipt } from '@aitbc/sdk';
import { Client } from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createTestDatabase } from '../../../test/postgres.ts';
import { loadVersion } from '../../../test/versions/unpack.ts';
import { startCoordinator } from '../src/index.ts';

/** The client and the agent of 0.1, as far as they are called here. */
interface OldAgent {
  CoordinatorClient: new (url: string) => OldClient;
  echoBackend(options: { models: string[] }): object;
  loadIdentity(options: { state: string }): Promise<object>;
  startMiner(options: object): Promise<{ stop(): Promise<void> }>;
}

interface OldClient {
  submitJob(prompt: string, model: string, params?: object): Promise<Job>;
  submitBatch(jobs: object[]): Promise<Job[]>;
  waitForJob(id: string): Promise<Job>;
  streamJob(prompt: string, model: string): AsyncIterable<NumberedJobEvent>;
  jobReceipt(id: string): Promise<Receipt>;
  listJobs(query: object): AsyncIterable<Job>;
  account(): Promise<object>;
}

interface OldCoordinator {
  startCoordinator(options: object): Promise<{ url: string; close(): Promise<void> }>;
}

async function temporary(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'aitbc-mixed-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test('the agent and the client of 0.1 work with this coordinator', async () => {
  const old = await loadVersion<OldAgent>('0.1', 'agent');
  const folder = await temporary();
  const coordinator = await startCoordinator({ port: 0, data: join(folder, 'data'), logLevel: 'silent' });
  onTestFinished(() => coordinator.close());
  const client = new old.CoordinatorClient(coordinator.url);
  const miner = await old.startMiner({
    client: new old.CoordinatorClient(coordinator.url),
    backend: old.echoBackend({ models: ['llama3.2'] }),
    identity: await old.loadIdentity({ state: join(folder, 'miner') }),
  });
  onTestFinished(() => miner.stop());

  const { job_id } = await client.submitJob('Hello!', 'llama3.2', { max_tokens: 20 });
  expect(await client.waitForJob(job_id)).toMatchObject({
    status: 'completed',
    result: expect.stringContaining('Hello!'),
  });

  const events = await Array.fromAsync(client.streamJob('a b c', 'llama3.2'));
  const text = events.flatMap(({ event, data }) => (event === 'chunk' ? [data.text] : [])).join('');
  expect(text).toContain('a b c');
  expect(events.at(-1)?.event).toBe('receipt');

  const batch = await client.submitBatch(['one', 'two'].map(prompt => ({ prompt, model: 'llama3.2' })));
  const ended = await Promise.all(batch.map(job => client.waitForJob(job.job_id)));
  expect(ended.map(({ status }) => status)).toEqual(['completed', 'completed']);

  const { keys } = await (await fetch(`${coordinator.url}/v1/keys`)).json();
  const receipts = await Promise.all(
    [job_id, ...batch.map(job => job.job_id)].map(id => client.jobReceipt(id)),
  );
  const checked = await Promise.all(receipts.map(receipt => verifyReceipt(receipt, { keys })));
  expect(checked.map(({ valid }) => valid)).toEqual([true, true, true]);
  expect(await Array.fromAsync(client.listJobs({ limit: 2 }))).toHaveLength(4);
  expect(await client.account()).toMatchObject({ billing: 'postpaid' });
});

/** Runs a job from its submission to its receipt. */
async function runJob(client: CoordinatorClient, minerId: string): Promise<string> {
  await client.miners.register({ miner_id: minerId, capabilities: ['mixed'] });
  const { job_id } = await client.jobs.submit({ prompt: 'Hello!', model: 'mixed' });
  const [job] = await client.miners.claimJobs(minerId, { wait: 10 });
  await client.jobs.complete(job?.job_id ?? 'none', { miner_id: minerId, result: 'done' });
  return job_id;
}

describe('coordinators that share a database', () => {
  test('a coordinator of 0.1 is followed by this one, which has all that the other has acknowledged', async () => {
    const old = await loadVersion<OldCoordinator>('0.1', 'coordinator');
    const { url: databaseUrl } = await createTestDatabase();
    const options = { port: 0, data: await temporary(), databaseUrl, logLevel: 'silent' } as const;
    const first = await old.startCoordinator(options);
    const oldClient = new CoordinatorClient(first.url, { maxRetries: 0 });
    const done = await runJob(oldClient, 'old-miner');
    const { job_id: pending } = await oldClient.jobs.submit({ prompt: 'Later', model: 'later' });

    // It brings the schema up to date under the other's feet.
    const next = await startCoordinator(options);
    const client = new CoordinatorClient(next.url);
    onTestFinished(() => next.close());
    const submitted = await Promise.allSettled(
      Array.from({ length: 5 }, () => oldClient.jobs.submit({ prompt: 'Meanwhile', model: 'later' })),
    );
    const acknowledged = submitted.flatMap(each => (each.status === 'fulfilled' ? [each.value.job_id] : []));
    await first.close();

    const kept = await Array.fromAsync(client.jobs.list({ model: 'later' }));
    expect(kept.map(({ job_id }) => job_id)).toEqual(expect.arrayContaining([pending, ...acknowledged]));
    expect(await client.jobs.get(done)).toMatchObject({ status: 'completed', result: 'done' });
    const ran = await runJob(client, 'new-miner');
    const keys = await client.signingKeys.list();
    for (const id of [done, ran])
      expect(await verifyReceipt(await client.jobs.receipt(id), { keys })).toMatchObject({ valid: true });
    await next.publish();
    expect(await client.receipts.proof((await client.jobs.receipt(ran)).receipt_id)).toContain('tlog-proof');

    await expect(old.startCoordinator(options)).rejects.toThrow(/schema is newer/);
  });

  test('two of the same schema run side by side while they are upgraded one by one', async () => {
    const { url: databaseUrl } = await createTestDatabase();
    const options = { port: 0, data: await temporary(), databaseUrl, logLevel: 'silent' } as const;
    const first = await startCoordinator(options);
    const other = await startCoordinator(options);
    onTestFinished(() => other.close());
    const client = new CoordinatorClient(other.url);
    await runJob(client, 'a');
    const { job_id } = await new CoordinatorClient(first.url).jobs.submit({ prompt: 'Hi', model: 'mixed' });
    await first.close();
    const replaced = await startCoordinator(options);
    onTestFinished(() => replaced.close());
    expect(await new CoordinatorClient(replaced.url).jobs.get(job_id)).toMatchObject({ status: 'pending' });
    await runJob(new CoordinatorClient(replaced.url), 'a');
    expect(await client.jobs.get(job_id)).toMatchObject({ status: 'completed' });
  });

  test('one that runs while a newer version changes the schema says so, and serves no more', async () => {
    const { url: databaseUrl } = await createTestDatabase();
    const log: string[] = [];
    const coordinator = await startCoordinator({
      ...{ port: 0, data: await temporary(), databaseUrl, logLevel: 'error' },
      logStream: { write: line => log.push(line) },
    });
    onTestFinished(() => coordinator.close());
    const client = new CoordinatorClient(coordinator.url, { maxRetries: 0 });
    const { job_id } = await client.jobs.submit({ prompt: 'Hello!', model: 'mixed' });

    const database = new Client(databaseUrl);
    await database.connect();
    onTestFinished(() => database.end());
    await database.query(
      "INSERT INTO kysely_migration (name, timestamp) VALUES ('999-from-the-future', '2030-01-01T00:00:00Z')",
    );
    await database.query("SELECT pg_notify('aitbc', 'migrated')");

    await expect
      .poll(async () => (await fetch(`${coordinator.url}/health/ready`)).status, { timeout: 20_000 })
      .toBe(503);
    for (const request of [
      () => client.jobs.get(job_id),
      () => client.jobs.submit({ prompt: 'Hello!', model: 'mixed' }),
      () => client.models.list(),
    ])
      await expect(request()).rejects.toMatchObject({ status: 503, retryAfter: 5, detail: /newer version/ });
    expect((await fetch(`${coordinator.url}/health`)).status).toBe(200);
    expect(log.filter(line => line.includes('serves no more requests'))).toHaveLength(1);
    expect(log.join('')).toContain('999-from-the-future');
    const { rows } = await database.query('SELECT count(*)::int AS jobs FROM job');
    expect(rows).toEqual([{ jobs: 1 }]);
  });
});
