import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Job, Problem, PublicKeys, Receipt } from '@aitbc/protocol';
import { verifyReceipt } from '@aitbc/receipts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { importStore } from '../src/index.ts';
import { actions, startTestCoordinator, type TestCoordinator } from './harness/coordinator.ts';
import { type Database, ENGINES, type Engine } from './harness/engines.ts';
import { exported } from './harness/exports.ts';
import { makeKey, revoke } from './harness/keys.ts';

const TEXT = 'Null \0, its escape \x1a0, a line\u2028separator, CR\r, LF\n and 🔥';

const engineOf = (name: string): Engine => {
  const engine = ENGINES.find(engine => engine.name === name);
  if (!engine) throw new Error(`There is no engine ${name}`);
  return engine;
};

/** What a coordinator tells of itself and its jobs. */
async function everythingOf(coordinator: TestCoordinator, jobs: readonly string[]) {
  const paths = [
    '/v1/jobs?limit=100',
    '/v1/receipts',
    '/v1/miners',
    '/v1/keys',
    '/v1/stats',
    '/explorer/stats',
    '/explorer/blocks',
    '/explorer/transactions',
  ];
  const answers = [...paths, ...jobs.map(id => `/v1/jobs/${id}`)].map(async path => {
    const { body } = await coordinator.call('GET', path);
    return [path, body];
  });
  return Object.fromEntries(await Promise.all(answers));
}

describe.each([{ path: ['sqlite', 'postgres'] }, { path: ['sqlite', 'postgres', 'sqlite'] }])(
  'a coordinator that moved along $path',
  ({ path: [first = '', ...others] }) => {
    let coordinator: TestCoordinator;
    const databases: Database[] = [];
    const jobs: Record<string, string> = {};
    const request = { prompt: TEXT, model: 'repeated', metadata: { text: TEXT } };
    const headers = { 'idempotency-key': 'once' };
    let clients: Awaited<ReturnType<typeof makeKey>>[] = [];
    let receipt: Receipt;
    let before: object;
    let after: object;

    /** Jobs in every status, and pending ones of two clients. */
    async function furnish(): Promise<void> {
      const { submit, register, claims, complete, fail, cancel, available } = actions(coordinator);
      jobs.expired = (await submit({ ttl_seconds: 1 })).job_id;
      await coordinator.pass({ seconds: 1 });
      await register('worker', { capabilities: ['work'] });
      const claimed = async (name: string) => {
        jobs[name] = (await submit({ model: 'work', prompt: TEXT })).job_id;
        await claims('worker');
        return jobs[name];
      };
      receipt = await complete(await claimed('completed'), 'worker', TEXT);
      await fail(await claimed('failed'), 'worker', { error: TEXT, retryable: false });
      await fail(await claimed('pausing'), 'worker');
      await claimed('running');
      jobs.cancelled = (await submit()).job_id;
      await cancel(jobs.cancelled);
      await register('offered', { capabilities: ['offer'] });
      jobs.offered = (await submit({ model: 'offer' })).job_id;
      await available('offered');
      jobs.repeated = (await coordinator.call<Job>('POST', '/v1/jobs', request, { headers })).body.job_id;
      clients = [await makeKey(coordinator, ['client']), await makeKey(coordinator, ['client'])];
      const [one = '', two = ''] = clients.map(({ key }) => key);
      for (const key of [one, one, one, two]) await actions(coordinator, key).submit({ model: 'fair' });
      clients.push(await makeKey(coordinator, ['client']));
      await revoke(coordinator, clients[2]?.id ?? '');
    }

    /** As an operator does: export, import elsewhere, bring the signing key and the last checkpoint, start there. */
    async function moveTo(engine: Engine): Promise<void> {
      const { config } = coordinator.running;
      const target = await engine.create();
      databases.push(target);
      await importStore({ ...config, databaseUrl: undefined, ...target.options }, [await exported(config)]);
      for (const name of ['signing-key.pem', 'ledger-checkpoint'])
        await copyFile(join(config.data, name), join(target.options.data, name));
      await coordinator.restart({ seconds: 0 }, { databaseUrl: undefined, ...target.options });
    }

    beforeAll(async () => {
      coordinator = await startTestCoordinator(engineOf(first));
      await furnish();
      await coordinator.publish();
      before = await everythingOf(coordinator, Object.values(jobs));
      for (const name of others) await moveTo(engineOf(name));
      after = await everythingOf(coordinator, Object.values(jobs));
    });
    afterAll(async () => {
      await coordinator.stop();
      await Promise.all(databases.map(({ remove }) => remove()));
    });

    test('runs on the new engine', () => {
      expect(coordinator.running.config.databaseUrl).toEqual(
        others.at(-1) === 'postgres' ? expect.stringMatching(/^postgres:/) : undefined,
      );
    });

    test('has every job, receipt, miner, key and count as they were', () => {
      expect(after).toEqual(before);
    });

    test('knows API keys, also those that were revoked', async () => {
      const statuses = clients.map(async ({ key }) => {
        return (await coordinator.call('GET', '/v1/jobs', undefined, { key })).status;
      });
      expect(await Promise.all(statuses)).toEqual([200, 200, 401]);
    });

    test('gives out what was pending in the same fair order', async () => {
      const { register, claims } = actions(coordinator);
      await register('fair', { capabilities: ['fair'] });
      const [one, two] = clients.map(({ key }) => key);
      const ids = async (key?: string) =>
        (await coordinator.call<Job[]>('GET', '/v1/jobs', undefined, key === undefined ? {} : { key })).body
          .map(({ job_id }) => job_id)
          .reverse();
      const [[first, second, third], [other]] = [await ids(one), await ids(two)];
      const claimed = (await claims('fair', 4)).map(({ job_id }) => job_id);
      expect(claimed).toEqual([first, other, second, third]);
    });

    test('completes a running job, with a receipt of the same key', async () => {
      const { complete } = actions(coordinator);
      const { signature, coordinator_id } = await complete(jobs.running ?? '', 'worker', TEXT);
      expect({ key: signature.key_id, coordinator_id }).toEqual({
        key: receipt.signature.key_id,
        coordinator_id: receipt.coordinator_id,
      });
    });

    test('keeps an offer for its miner', async () => {
      const { claim } = actions(coordinator);
      expect((await claim(jobs.offered ?? '', 'offered')).prompt).toBe('Hello');
    });

    test('gives a job out again when the pause after its failure is over', async () => {
      const { claims } = actions(coordinator);
      await coordinator.pass({ seconds: 1 });
      expect(await claims('worker')).toMatchObject([{ job_id: jobs.pausing, prompt: TEXT, attempt: 2 }]);
    });

    test('has receipts that verify with its published keys', async () => {
      const { body } = await coordinator.call<PublicKeys>('GET', '/v1/keys');
      const moved = await coordinator.call<Receipt>('GET', `/v1/receipts/${receipt.receipt_id}`);
      expect(moved.body).toMatchObject(receipt);
      expect((await verifyReceipt(moved.body, { keys: body.keys })).valid).toBe(true);
    });

    test('answers a repeated submission with the job of the first, and refuses another under its key', async () => {
      const again = await coordinator.call<Job>('POST', '/v1/jobs', request, { headers });
      expect(again.body).toMatchObject({ job_id: jobs.repeated, prompt: TEXT, metadata: { text: TEXT } });
      const other = { ...request, prompt: 'Another' };
      const refused = await coordinator.call<Problem>('POST', '/v1/jobs', other, { headers });
      expect(refused.body.error_code).toBe('IDEMPOTENCY_KEY_REUSED');
    });

    test('makes up ids that nothing has yet', async () => {
      const fresh = actions(coordinator, await coordinator.key('client'));
      const { job_id } = await fresh.submit({ model: 'never-asked-for', priority: -3 });
      expect((await fresh.job(job_id)).queue?.position).toBe(1);
      expect((await coordinator.call<Job[]>('GET', '/v1/jobs')).body).not.toContainEqual(
        expect.objectContaining({ job_id }),
      );
    });
  },
);
