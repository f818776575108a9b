import type { CreatedWebhook, Job } from '@aitbc/protocol';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createMigratedDatabase, type Database, describeOneEngine } from '../harness/engines.ts';
import { type Receiver, startReceiver } from '../harness/receiver.ts';
import { startLocalReplicas, startReplicas } from '../replicas/replicas.ts';
import { type ServerProcess, spawnServer } from './server.ts';

/** Leases last three seconds: so long the deliveries of a killed process wait. */
const ARGS = ['--webhook-allow', '127.0.0.1', '--webhook-timeout-seconds', '1', '--limits', 'off'];
const EVENT = 'job.cancelled';

async function post<Body>(url: string, path: string, body: object = {}): Promise<Body> {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`POST ${path}: ${await response.text()}`);
  return (await response.json()) as Body;
}

/** Cancels this many new jobs, and returns their ids. */
async function cancelJobs(url: string, count: number): Promise<string[]> {
  const jobs = Array.from({ length: count }, () => ({ prompt: 'Hello', model: 'told' }));
  const { jobs: made } = await post<{ jobs: Job[] }>(url, '/v1/jobs/batch', { jobs });
  await Promise.all(made.map(({ job_id }) => post(url, `/v1/jobs/${job_id}/cancel`)));
  return made.map(({ job_id }) => job_id);
}

const toldOf = ({ received }: Receiver) => new Set(received.map(({ body }) => body.data.job_id as string));

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver.close());

// On PostgreSQL another coordinator delivers what a killed one leaves, which is tested below.
describeOneEngine('a server that is killed with deliveries pending', engine => {
  let database: Database;
  let server: ServerProcess;
  beforeAll(async () => {
    database = await engine.prepare();
    server = spawnServer(database.options, { args: ARGS });
    await server.listening;
  });
  afterAll(async () => {
    server.child.kill('SIGTERM');
    await server.exited;
    await database.remove();
  });

  test('loses none of them', { timeout: 60_000 }, async () => {
    receiver.received.length = 0;
    await post<CreatedWebhook>(await server.listening, '/v1/webhooks', {
      url: receiver.url,
      events: [EVENT],
    });
    const cancelled: string[] = [];
    for (let kills = 0; kills < 2; kills++) {
      const before = receiver.received.length;
      cancelled.push(...(await cancelJobs(await server.listening, 40)));
      await receiver.until(() => receiver.received.length > before);
      server.child.kill('SIGKILL');
      await server.exited;
      server = spawnServer(database.options, { args: ARGS });
      await server.listening;
    }
    await receiver.until(() => toldOf(receiver).size === cancelled.length);
    expect([...toldOf(receiver)].sort()).toEqual(cancelled.sort());
    const idsOf = new Map(
      receiver.received.map(({ body, headers }) => [body.data.job_id, headers['webhook-id']]),
    );
    for (const { body, headers } of receiver.received)
      expect(headers['webhook-id']).toBe(idsOf.get(body.data.job_id));
  });
});

/** Registers a webhook for cancelled jobs. */
const createWebhook = (url = '') => post(url, '/v1/webhooks', { url: receiver.url, events: [EVENT] });

describe('Several coordinators', () => {
  test('deliver each event once', { timeout: 60_000 }, async () => {
    receiver.received.length = 0;
    const replicas = await startLocalReplicas(Array(3).fill(await createMigratedDatabase()), {
      webhookAllow: ['127.0.0.1'],
      limits: 'off',
      // Leases last longer than a busy machine takes to record what was delivered.
      webhookTimeoutSeconds: 30,
    });
    onTestFinished(() => replicas.stop());
    await createWebhook(replicas.all[0]?.url);
    const jobs = await Promise.all(replicas.all.map(({ url }) => cancelJobs(url, 40)));
    await receiver.until(() => toldOf(receiver).size === jobs.flat().length);
    expect(receiver.received).toHaveLength(jobs.flat().length);
  });

  test('deliver what one of them leaves that is killed', { timeout: 60_000 }, async () => {
    receiver.received.length = 0;
    const replicas = await startReplicas(Array(2).fill(await createMigratedDatabase()), ARGS);
    onTestFinished(() => replicas.stop());
    const [killed] = replicas.all;
    await createWebhook(killed?.url);
    const cancelled = await cancelJobs(killed?.url ?? '', 40);
    await killed?.kill();
    await receiver.until(() => toldOf(receiver).size === cancelled.length);
    expect([...toldOf(receiver)].sort()).toEqual(cancelled.sort());
  });
});
