import type { Batch, FileObject, Job } from '@aitbc/protocol';
import { verifyReceipt } from '@aitbc/receipts';
import { CoordinatorClient } from '@aitbc/sdk';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createIds, createKey, openStore, readConfig, revokeKey } from '../../src/index.ts';
import { createMigratedDatabase } from '../harness/engines.ts';
import { fileForm, newBatch } from '../harness/scenes.ts';
import { type LocalReplicas, startLocalReplicas } from './replicas.ts';

let databaseUrl: string;
let replicas: LocalReplicas;
let a: CoordinatorClient;
let b: CoordinatorClient;
let c: CoordinatorClient;

beforeAll(async () => {
  databaseUrl = await createMigratedDatabase();
  replicas = await startLocalReplicas(Array(3).fill(databaseUrl), { keyCacheSeconds: 1 });
  [a, b, c] = replicas.all.map(({ client }) => client) as [
    CoordinatorClient,
    CoordinatorClient,
    CoordinatorClient,
  ];
});
afterAll(() => replicas.stop());

const each = <T>(ask: (client: CoordinatorClient) => Promise<T>) => Promise.all([a, b, c].map(ask));
const WAIT = { timeout: 15_000 };

describe('any of three coordinators on one database', () => {
  test('serves any request of a job', async () => {
    await a.miners.register({ miner_id: 'roams', capabilities: ['roaming'] });
    const { job_id } = await b.jobs.submit({ prompt: 'Hello', model: 'roaming' });
    const [claimed] = await c.miners.claimJobs('roams');
    expect(claimed).toMatchObject({ job_id, prompt: 'Hello' });
    expect((await a.miners.heartbeat('roams', [job_id])).jobs).toMatchObject([{ job_id }]);
    const receipt = await b.jobs.complete(job_id, { miner_id: 'roams', result: 'Hello, you!' });
    expect(await c.jobs.complete(job_id, { miner_id: 'roams', result: 'Hello, you!' })).toEqual(receipt);
    const seen = await each(client => client.jobs.get(job_id));
    expect(seen).toEqual(Array(3).fill({ ...seen[0], status: 'completed', result: 'Hello, you!' }));
    for (const read of await each(client => client.jobs.receipt(job_id))) expect(read).toMatchObject(receipt);
  });

  test('works off a batch with the others at once, each request of it once', async () => {
    const [first = '', second = '', third = ''] = replicas.all.map(({ url }) => url);
    const post = async <Body>(url: string, body: object) =>
      (await (
        await fetch(url, {
          method: 'POST',
          ...(body instanceof FormData
            ? { body }
            : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
        })
      ).json()) as Body;
    const requests = Array.from({ length: 300 }, (_, at) =>
      JSON.stringify({
        custom_id: `request-${at}`,
        method: 'POST',
        url: '/v1/completions',
        body: { model: 'batched', prompt: `Prompt ${at}` },
      }),
    );
    const file = await post<FileObject>(`${first}/v1/files`, fileForm(requests.join('\n')));
    const { id } = await post<Batch>(`${second}/v1/batches`, newBatch(file.id));
    await a.miners.register({ miner_id: 'batches', capabilities: ['batched'], concurrency: 100 });
    const batch = async () => (await (await fetch(`${third}/v1/batches/${id}`)).json()) as Batch;
    while ((await batch()).status !== 'completed') {
      const jobs = await c.miners.claimJobs('batches', { max: 100, wait: 1 });
      await Promise.all(
        jobs.map(({ job_id, prompt }) => b.jobs.complete(job_id, { miner_id: 'batches', result: prompt })),
      );
    }
    const { output_file_id, request_counts } = await batch();
    const output = await (await fetch(`${first}/v1/files/${output_file_id}/content`)).text();
    const answers = output
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line).response.body.choices[0].text);
    expect(request_counts).toEqual({ total: 300, completed: 300, failed: 0 });
    expect(answers).toEqual(requests.map((_, at) => `Prompt ${at}`));
  });

  test('signs with the key that all publish, in one name', async () => {
    const { job_id } = await a.jobs.submit({ prompt: 'Hello', model: 'signed' });
    await a.miners.register({ miner_id: 'signs', capabilities: ['signed'] });
    await b.miners.claimJobs('signs');
    const receipt = await c.jobs.complete(job_id, { miner_id: 'signs', result: 'Hello, you!' });
    for (const keys of await each(client => client.signingKeys.list()))
      expect(await verifyReceipt(receipt, { keys })).toMatchObject({ valid: true });
  });

  test('answers a repeated submission with the job of the first', async () => {
    const submit = (client: CoordinatorClient) =>
      client.jobs.submit({ prompt: 'Hello', model: 'repeated' }, { idempotencyKey: 'the same' });
    const ids = (await each(submit)).map(({ job_id }) => job_id);
    expect(new Set(ids).size).toBe(1);
  });

  test('cancels what another took', async () => {
    const { job_id } = await a.jobs.submit({ prompt: 'Hello', model: 'cancelled' });
    expect(await b.jobs.cancel(job_id)).toMatchObject({ status: 'cancelled' });
    await expect(c.jobs.cancel(job_id)).rejects.toMatchObject({ errorCode: 'JOB_ALREADY_CANCELLED' });
  });

  test('counts what all did', async () => {
    const [first, ...others] = await each(client => client.stats());
    expect(first?.total_jobs).toBeGreaterThan(0);
    expect(others).toEqual([first, first]);
  });

  test('shows the same ledger', async () => {
    const { job_id } = await a.jobs.submit({ prompt: 'Hello', model: 'explored' });
    await b.miners.register({ miner_id: 'explored', capabilities: ['explored'] });
    await c.miners.claimJobs('explored');
    const { receipt_id, provider } = await a.jobs.complete(job_id, {
      miner_id: 'explored',
      result: 'Hello!',
    });
    await b.receipts.waitForProof(receipt_id);
    const [first, ...others] = await each(async ({ explorer }) => ({
      blocks: await Array.fromAsync(explorer.blocks({ limit: 2 })),
      transactions: await Array.fromAsync(explorer.transactions({ limit: 2 })),
      address: await explorer.address(provider),
      found: await explorer.search(receipt_id),
    }));
    expect(first?.transactions[0]).toMatchObject({ id: receipt_id, height: first?.blocks[0]?.height });
    expect(others).toEqual([first, first]);
  });

  test('offers a job to one miner only', async () => {
    const miners = Array.from({ length: 6 }, (_, index) => `offered-${index}`);
    for (const miner_id of miners) await a.miners.register({ miner_id, capabilities: ['offered'] });
    const jobs = await a.jobs.submitBatch(miners.map(prompt => ({ prompt, model: 'offered' })));
    const offers = await Promise.all(miners.map((id, index) => [a, b, c][index % 3]?.jobs.available(id)));
    expect(offers.map(offer => offer?.job_id).sort()).toEqual(jobs.map(({ job_id }) => job_id).sort());
  });
});

describe('the directory of live miners', () => {
  const reach = (client: CoordinatorClient, { job_id }: Job) =>
    client.jobs.get(job_id).then(({ queue }) => queue?.eligible_miners);
  const reached = (job: Job, miners: number) =>
    vi.waitUntil(
      async () => (await each(client => reach(client, job))).every(count => count === miners),
      WAIT,
    );

  test('is the same everywhere, as miners come, change and go', async () => {
    const job = await a.jobs.submit({ prompt: 'Hello', model: 'listed' });
    await a.miners.register({ miner_id: 'listed-1', capabilities: ['listed'] });
    await b.miners.register({ miner_id: 'listed-2', capabilities: ['listed'] });
    await reached(job, 2);
    await c.miners.register({ miner_id: 'listed-1', capabilities: ['other'] });
    await reached(job, 1);
    await a.miners.drain('listed-2');
    await reached(job, 0);
  });
});

describe('an API key', () => {
  test('is good everywhere once it is made, and nowhere soon after it is revoked', async () => {
    const store = await openStore(readConfig({ given: { databaseUrl } }), undefined);
    const id = createIds(Date.now).next('key');
    const { key } = await createKey(store, { id, name: null, scopes: ['client'], expiresAt: null });
    const statuses = () =>
      Promise.all(
        replicas.all.map(async ({ url }) => {
          const response = await fetch(`${url}/v1/jobs`, { headers: { 'x-api-key': key } });
          return response.status;
        }),
      );
    expect(await statuses()).toEqual([200, 200, 200]);
    await revokeKey(store, id);
    await store.close();
    await vi.waitUntil(async () => (await statuses()).every(status => status === 401), WAIT);
  });

  test('is made once, and has the same secret, wherever the request is repeated', async () => {
    const store = await openStore(readConfig({ given: { databaseUrl } }), undefined);
    const id = createIds(Date.now).next('key');
    const admin = await createKey(store, { id, name: null, scopes: ['admin'], expiresAt: null });
    await store.close();
    const create = ({ url }: { url: string }) => {
      const { apiKeys } = new CoordinatorClient(url, { apiKey: admin.key, maxRetries: 0 });
      return apiKeys.create({ scopes: ['client'] }, { idempotencyKey: 'the same key' });
    };
    const [first, ...others] = await Promise.all(replicas.all.map(create));
    expect(others).toEqual([first, first]);
  });
});
