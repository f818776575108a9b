import type { CreatedWebhook, Problem, Webhook, WebhookDelivery, WebhookSecret } from '@aitbc/protocol';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { refusal } from './harness/answers.ts';
import { actions, type CallOptions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';
import { answering, type Receiver, startReceiver } from './harness/receiver.ts';
import { isSignedBy, isVerified } from './harness/webhook-signatures.ts';

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterEach(() => {
  receiver.received.length = 0;
  receiver.behave(answering(200, {}, 'Thanks'));
});
afterAll(() => receiver.close());

const OPTIONS = { webhookAllow: ['127.0.0.1'], mode: 'keyed', minerTimeoutSeconds: 30 } as const;
const ALL_OF_JOBS = ['job.completed', 'job.failed', 'job.cancelled'];

describeEachEngine('a webhook', engine => {
  const coordinator = withCoordinator(engine, OPTIONS);
  const call = <Body>(method: string, path: string, body: unknown, { key }: CallOptions) =>
    coordinator.call<Body>(method, path, body, key === undefined ? {} : { key });
  const add = async (key: string, more: object = {}) =>
    (
      await call<CreatedWebhook>(
        'POST',
        '/v1/webhooks',
        { url: receiver.url, events: ALL_OF_JOBS, ...more },
        { key },
      )
    ).body;
  const types = () => receiver.received.map(({ body }) => body.type).sort();

  /** A client with a webhook, and a miner's owner, each with a key. */
  async function scene(more: object = {}) {
    const key = await coordinator.key('client');
    const owner = await coordinator.key('miner', 'client');
    const miner = actions(coordinator, owner);
    const name = `miner-${owner.slice(-8).replaceAll(/[^a-zA-Z0-9]/g, '0')}`;
    await miner.register(name, { capabilities: [name] });
    const webhook = await add(key, more);
    const client = actions(coordinator, key);
    const submit = (job: object = {}) => client.submit({ model: name, ...job });
    const complete = async (job_id: string, result?: string) => {
      await miner.claim(job_id, name);
      return await miner.complete(job_id, name, result);
    };
    return { key, owner, name, miner, client, webhook, submit, complete };
  }

  test('is told of each job that ends, with the receipt, and signed as Standard Webhooks says', async () => {
    const { key, webhook, submit, complete, client, miner, name } = await scene();
    const done = await submit({ metadata: { order: 7 } });
    const receipt = await complete(done.job_id);
    const cancelled = await submit();
    await client.cancel(cancelled.job_id);
    const failed = await submit();
    await miner.claim(failed.job_id, name);
    await miner.fail(failed.job_id, name, { retryable: false });
    await coordinator.running.deliver();
    expect(types()).toEqual(['job.cancelled', 'job.completed', 'job.failed']);
    const told = receiver.received.find(({ body }) => body.type === 'job.completed');
    expect(told?.body).toMatchObject({
      timestamp: expect.stringMatching(/^2026-01-24T15:/),
      data: {
        job_id: done.job_id,
        status: 'completed',
        metadata: { order: 7 },
        receipt_id: receipt.receipt_id,
        receipt,
        error: null,
      },
    });
    expect(told?.body.data).not.toHaveProperty('result');
    const { body: published } = await call<{ key: string }>('GET', '/v1/webhooks/key', undefined, { key });
    for (const { headers, text } of receiver.received) {
      expect(isVerified(webhook.secret, text, headers, coordinator.now())).toBe(true);
      expect(isSignedBy(published.key, text, headers)).toBe(true);
      expect(isSignedBy(published.key, `${text} `, headers)).toBe(false);
    }
    const { body: deliveries } = await call<WebhookDelivery[]>(
      'GET',
      `/v1/webhooks/${webhook.id}/deliveries`,
      undefined,
      { key },
    );
    expect(deliveries.map(({ id }) => id).sort()).toEqual(
      receiver.received.map(({ headers }) => headers['webhook-id']).sort(),
    );
    for (const { body, attempts, state, next_attempt_at } of deliveries) {
      expect(receiver.received.map(({ text }) => text)).toContain(body);
      expect({ state, next_attempt_at }).toEqual({ state: 'delivered', next_attempt_at: null });
      expect(attempts).toMatchObject([
        { status_code: 200, response: 'Thanks', url: receiver.url, error: null },
      ]);
    }
  });

  test('gets results where it asks for them, and is told where they are too large', async () => {
    const { submit, complete } = await scene({ include_result: true });
    await complete((await submit()).job_id, 'short');
    await complete((await submit({ metadata: { text: 'x'.repeat(30_000) } })).job_id, 'ä'.repeat(20_000));
    await coordinator.running.deliver();
    const data = receiver.received.map(({ body }) => body.data);
    expect(data.find(({ result }) => result === 'short')).not.toHaveProperty('result_too_large');
    expect(data.find(({ result_too_large }) => result_too_large)).toMatchObject({ metadata: null });
    for (const { text } of receiver.received) expect(Buffer.byteLength(text)).toBeLessThan(20_000);
  });

  test('hears nothing of other accounts, of other events, and of the runs of replicated jobs', async () => {
    const mine = await scene({ events: ['job.cancelled'] });
    const other = await scene();
    await mine.complete((await mine.submit()).job_id);
    const { job_id } = await mine.submit({
      replication: 2,
      params: { temperature: 0, seed: 1 },
    });
    await mine.client.cancel(job_id);
    await coordinator.running.deliver();
    expect(receiver.received.map(({ body }) => body.data.job_id)).toEqual([job_id]);
    await other.complete((await other.submit()).job_id);
    await coordinator.running.deliver();
    expect(receiver.received).toHaveLength(2);
  });

  test('of a job itself is told of that job only, and signed with the secret of the account', async () => {
    const { key, submit, complete, webhook } = await scene({ events: ['miner.offline'] });
    const own = await submit({ webhook_url: `${receiver.url}/own?job=1`, webhook_events: ['job.completed'] });
    const cancelled = await submit({
      webhook_url: `${receiver.url}/own?job=2`,
      webhook_events: ['job.completed'],
    });
    await call('POST', `/v1/jobs/${cancelled.job_id}/cancel`, undefined, { key });
    await complete(own.job_id);
    await complete((await submit()).job_id);
    await coordinator.running.deliver();
    expect(receiver.received.map(({ path, body }) => [path, body.data.job_id])).toEqual([
      ['/hook/own?job=1', own.job_id],
    ]);
    const { body } = await call<WebhookSecret>('GET', '/v1/webhooks/secret', undefined, { key });
    const [{ text, headers } = { text: '', headers: {} as never }] = receiver.received;
    expect(isVerified(body.secret, text, headers, coordinator.now())).toBe(true);
    const { body: all } = await call<Webhook[]>('GET', '/v1/webhooks', undefined, { key });
    expect(all.map(({ for_jobs, url }) => [for_jobs, url]).sort()).toEqual([
      [false, webhook.url],
      [true, new URL(receiver.url).origin],
    ]);
  });

  test('is told of receipts that the ledger has published since, once: the client’s and the owner’s', async () => {
    const { key, owner, submit, complete } = await scene({ events: ['job.failed'] });
    await complete((await submit()).job_id);
    await coordinator.publish();
    for (const account of [key, owner]) await add(account, { events: ['receipt.published'] });
    const receipt = await complete((await submit()).job_id);
    await coordinator.running.deliver();
    expect(receiver.received).toEqual([]);
    await coordinator.publish();
    await coordinator.running.deliver();
    await coordinator.running.deliver();
    expect(receiver.received.map(({ body }) => [body.type, body.data])).toEqual([
      ['receipt.published', receipt],
      ['receipt.published', receipt],
    ]);
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(2);
  });

  test('is told of the owner’s miners, and of all where an administrator asks for them', async () => {
    const { owner, name } = await scene();
    const admin = await coordinator.key('admin');
    const events = ['miner.offline'];
    await add(owner, { events });
    await add(admin, { events, all_miners: true });
    await add(await coordinator.key('client'), { events });
    await coordinator.pass({ seconds: 31 });
    await coordinator.running.deliver();
    const told = receiver.received.map(({ body }) => body.data.miner_id);
    expect(told.filter(miner => miner === name)).toHaveLength(2);
    const refused = await call<Problem>(
      'POST',
      '/v1/webhooks',
      { url: receiver.url, events, all_miners: true },
      { key: owner },
    );
    expect(refusal(refused)).toEqual([403, 'AUTH_INSUFFICIENT_SCOPE', 'all_miners']);
  });
});
