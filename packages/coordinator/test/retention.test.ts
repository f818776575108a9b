import type { Job, Receipt, Webhook, WebhookDelivery } from '@aitbc/protocol';
import { verifyDisclosure } from '@aitbc/receipts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  actions,
  startTestCoordinator,
  type TestCoordinator,
  withCoordinator,
} from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';
import { type Receiver, startReceiver } from './harness/receiver.ts';

const DAYS = 24 * 3600;

/** Whether the store still has a text of the job. */
async function hasTexts({ running }: TestCoordinator, jobId: string): Promise<boolean> {
  const { read } = running.modules.store;
  const input = await read.selectFrom('job_input').selectAll().where('job_id', '=', jobId).execute();
  const output = await read.selectFrom('job_output').selectAll().where('job_id', '=', jobId).execute();
  return input.length + output.length > 0;
}

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver.close());

describeEachEngine('with a retention of two days', engine => {
  const coordinator = withCoordinator(engine, {
    ...{ retentionDays: 2, idempotencySeconds: 30 * DAYS },
    webhookAllow: ['127.0.0.1'],
  });
  const { submit, job, register, claims, complete, fail, cancel } = actions(coordinator);

  async function earn(model: string): Promise<Receipt> {
    await register(model, { capabilities: [model] });
    const { job_id } = await submit({
      model,
      prompt: 'What is 6 × 7?',
      params: { top_p: 0.5 },
      metadata: { from: 'a test' },
    });
    await claims(model);
    return await complete(job_id, model, '42');
  }

  test('the texts of a job that ended before that are erased, and nothing else of it', async () => {
    const { job_id } = await earn('erased');
    const before = await job(job_id);
    await coordinator.pass({ seconds: 2 * DAYS });
    expect(await job(job_id)).toEqual({
      ...before,
      prompt: null,
      params: {},
      metadata: null,
      result: null,
      usage: null,
      erased_at: new Date(coordinator.now()).toISOString(),
    });
    expect(await hasTexts(coordinator, job_id)).toBe(false);
  });

  /** Returns the tables that have a text in any row. */
  async function tablesWith(text: string): Promise<string[]> {
    const { read } = coordinator.running.modules.store;
    const tables = (await read.introspection.getTables()).map(({ name }) => name as 'job');
    const found = await Promise.all(
      tables.map(async name => {
        const rows = await read.selectFrom(name).selectAll().execute();
        return JSON.stringify(rows).includes(text) ? [name] : [];
      }),
    );
    return found.flat().sort();
  }

  test('a job’s own webhook is erased with its texts, as are the tries of deliveries there', async () => {
    const token = `token-of-${engine.name}`;
    receiver.received.length = 0;
    receiver.behave((response, { path }) => void response.writeHead(500).end(`No such page: ${path}`));
    const { job_id } = await submit({ webhook_url: `${receiver.url}/${token}` });
    expect((await job(job_id)).webhook_url).toContain(token);
    await cancel(job_id);
    await coordinator.running.deliver();
    expect(receiver.received).toHaveLength(1);
    expect(await tablesWith(token)).toEqual(['job', 'webhook_attempt']);

    const { store, operations } = coordinator.running.modules;
    await coordinator.pass({ seconds: 2 * DAYS + 1 });
    await store.write(operations.eraseDeliveries, undefined);
    expect(await job(job_id)).not.toHaveProperty('webhook_url');
    expect(await tablesWith(token)).toEqual([]);

    // The delivery is still to be tried again. Without its URL it is sent nowhere, and least of all to the origin.
    await coordinator.running.deliver();
    expect(receiver.received).toHaveLength(1);
    const { body: webhooks } = await coordinator.call<Webhook[]>('GET', '/v1/webhooks');
    const { body: deliveries } = await coordinator.call<WebhookDelivery[]>(
      'GET',
      `/v1/webhooks/${webhooks[0]?.id}/deliveries`,
    );
    expect(deliveries).toMatchObject([
      { subject: job_id, state: 'failed', attempts: [{ error: expect.stringContaining('Not sent') }] },
    ]);
  });

  test('the salt of an erased job opens its receipt for whoever has kept the texts', async () => {
    const { job_id } = await earn('opened');
    await coordinator.pass({ seconds: 2 * DAYS });
    const { body: receipt } = await coordinator.call<Receipt>('GET', `/v1/jobs/${job_id}/receipt`);
    const { salt } = await job(job_id);
    expect(verifyDisclosure({ receipt, salt, prompt: 'What is 6 × 7?', result: '42' })).toEqual({
      prompt: true,
      result: true,
    });
  });

  test('texts stay until then, counted from the end of the job', async () => {
    await register('late', { capabilities: ['late'] });
    const { job_id } = await submit({ model: 'late', ttl_seconds: 30 * DAYS });
    await coordinator.pass({ seconds: 5 * DAYS });
    await claims('late');
    await complete(job_id, 'late', 'Better than never');
    await coordinator.pass({ seconds: 2 * DAYS - 1 });
    expect(await job(job_id)).toMatchObject({
      prompt: 'Hello',
      result: 'Better than never',
      erased_at: null,
    });
  });

  test('a job that has not ended keeps its texts however old it is', async () => {
    await register('patient', { capabilities: ['patient'] });
    const pending = await submit({ model: 'nobody', ttl_seconds: 30 * DAYS });
    const { job_id } = await submit({ model: 'patient', ttl_seconds: 30 * DAYS });
    await coordinator.pass({ seconds: 10 * DAYS });
    expect((await job(pending.job_id)).prompt).toBe('Hello');
    expect(await claims('patient')).toMatchObject([{ job_id, prompt: 'Hello' }]);
  });

  test('jobs that failed, expired or were cancelled are erased too', async () => {
    await register('clumsy', { capabilities: ['clumsy'] });
    const failed = await submit({ model: 'clumsy' });
    await claims('clumsy');
    await fail(failed.job_id, 'clumsy', { retryable: false });
    const cancelled = await submit({ model: 'nobody' });
    await cancel(cancelled.job_id);
    const expired = await submit({ model: 'nobody', ttl_seconds: 1 });
    await coordinator.pass({ seconds: 1 });
    await coordinator.pass({ seconds: 2 * DAYS });
    for (const { job_id } of [failed, cancelled, expired]) {
      expect(await job(job_id)).toMatchObject({ prompt: null, erased_at: expect.any(String) });
      expect(await hasTexts(coordinator, job_id)).toBe(false);
    }
  });

  test('an erased job still answers a repeated submission and a repeated completion', async () => {
    const request = { prompt: 'Once', model: 'again' };
    const headers = { 'idempotency-key': 'again' };
    const send = () => coordinator.call<Job>('POST', '/v1/jobs', request, { headers });
    await register('again', { capabilities: ['again'] });
    const { job_id } = (await send()).body;
    await claims('again');
    const receipt = await complete(job_id, 'again', 'Once more');
    await coordinator.pass({ seconds: 2 * DAYS });
    expect((await send()).body).toMatchObject({ job_id, status: 'completed', prompt: null });
    expect(await complete(job_id, 'again', 'Once more')).toEqual(receipt);
  });

  test('a step erases a hundred jobs at most, those first that ended first', async () => {
    const prompts = Array.from({ length: 101 }, (_, index) => ({ prompt: `${index}`, model: 'many' }));
    const { body } = await coordinator.call<{ jobs: Job[] }>('POST', '/v1/jobs/batch', { jobs: prompts });
    const [first, ...others] = body.jobs;
    for (const { job_id } of others) await cancel(job_id);
    coordinator.moveClock({ seconds: 1 });
    await cancel(first?.job_id ?? '');
    const left = async () => {
      const jobs = await Promise.all(body.jobs.map(({ job_id }) => job(job_id)));
      return jobs.flatMap(({ prompt }) => prompt ?? []);
    };
    await coordinator.pass({ seconds: 2 * DAYS });
    expect(await left()).toEqual(['0']);
    await coordinator.pass({ seconds: 0 });
    expect(await left()).toEqual([]);
  });
});

describeEachEngine('texts', engine => {
  test('are kept for ever unless a retention is given', async () => {
    const coordinator = await startTestCoordinator(engine);
    const { submit, cancel, job } = actions(coordinator);
    const { job_id } = await submit();
    await cancel(job_id);
    await coordinator.pass({ seconds: 3650 * DAYS });
    expect(await job(job_id)).toMatchObject({ prompt: 'Hello', erased_at: null });
    await coordinator.stop();
  });

  test('are erased at intervals by the coordinator itself, until none is due', async () => {
    const coordinator = await startTestCoordinator(engine, { retentionDays: 1, sweepSeconds: 0.05 });
    const jobs = Array.from({ length: 250 }, () => ({ prompt: 'Hello', model: 'm', ttl_seconds: 1 }));
    await coordinator.call('POST', '/v1/jobs/batch', { jobs });
    await coordinator.pass({ seconds: 1 });
    coordinator.moveClock({ seconds: DAYS });
    const { read } = coordinator.running.modules.store;
    await expect
      .poll(() => read.selectFrom('job_input').select('job_id').execute(), { interval: 20, timeout: 20_000 })
      .toEqual([]);
    await coordinator.stop();
  });
});
