import { createPublicKey, verify } from 'node:crypto';
import type { CreatedWebhook, Problem, Webhook, WebhookDelivery, WebhookSecret } from '@aitbc/protocol';
import { Webhook as Verifier } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { allPages, refusal } from './harness/answers.ts';
import { actions, type CallOptions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine, describeOneEngine } from './harness/engines.ts';
import { answering, type Receiver, startReceiver } from './harness/receiver.ts';

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
      expect(verified(webhook.secret, text, headers, coordinator.now())).toBe(true);
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
    expect(verified(body.secret, text, headers, coordinator.now())).toBe(true);
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

describeOneEngine('the owner of a webhook', engine => {
  const coordinator = withCoordinator(engine, { ...OPTIONS, webhooksPerAccount: 3 });
  let key: string;
  let id: string;
  let secret: string;
  const call = <Body>(method: string, path: string, body?: unknown) =>
    coordinator.call<Body & Problem>(method, path, body, { key });
  beforeAll(async () => {
    key = await coordinator.key('client');
    const created = await call<CreatedWebhook>('POST', '/v1/webhooks', {
      url: receiver.url,
      events: [...ALL_OF_JOBS, 'job.failed'],
    });
    ({ id, secret } = created.body);
    expect([created.status, created.headers.get('location')]).toEqual([201, `webhooks/${id}`]);
  });
  const cancelOne = async () => {
    const { submit, cancel } = actions(coordinator, key);
    const { job_id } = await submit();
    await cancel(job_id);
    return job_id;
  };

  test('reads it without its secret, and its events once each', async () => {
    const { body } = await call<Webhook>('GET', `/v1/webhooks/${id}`);
    expect(body).toMatchObject({ id, events: ALL_OF_JOBS, state: 'active', description: null });
    expect(JSON.stringify([body, (await call('GET', '/v1/webhooks')).body])).not.toContain('whsec_');
  });

  test('tests it', async () => {
    const { status, body } = await call<WebhookDelivery>('POST', `/v1/webhooks/${id}/test`);
    expect([status, body.type, body.state]).toEqual([202, 'webhook.test', 'pending']);
    await coordinator.running.deliver();
    expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual([body.id]);
  });

  test('changes what it is told, and a pause keeps events until it is resumed', async () => {
    const change = { paused: true, description: 'In the shop', events: ['job.cancelled'] };
    expect((await call<Webhook>('PATCH', `/v1/webhooks/${id}`, change)).body).toMatchObject({
      state: 'paused',
      description: 'In the shop',
      events: ['job.cancelled'],
    });
    const job = await cancelOne();
    await coordinator.running.deliver();
    expect(receiver.received).toEqual([]);
    expect((await call<Webhook>('PATCH', `/v1/webhooks/${id}`, { paused: false })).body.state).toBe('active');
    await coordinator.running.deliver();
    expect(receiver.received.map(({ body }) => body.data.job_id)).toEqual([job]);
  });

  test('rotates its secret, and both are valid for a day', async () => {
    const { body } = await call<WebhookSecret>('POST', `/v1/webhooks/${id}/rotate-secret`);
    await cancelOne();
    await coordinator.running.deliver();
    coordinator.moveClock({ seconds: 24 * 3600 });
    await cancelOne();
    await coordinator.running.deliver();
    const [first, second] = receiver.received;
    const isValid = (one: typeof first, by: string) =>
      one && verified(by, one.text, one.headers, coordinator.now());
    const times = [first, second].map(one => Number(one?.headers['webhook-timestamp']) * 1000);
    expect(times[1]).toBe((times[0] ?? 0) + 24 * 3600 * 1000);
    expect([isValid(second, body.secret), isValid(second, secret)]).toEqual([true, false]);
    coordinator.moveClock({ seconds: -24 * 3600 });
    expect([isValid(first, body.secret), isValid(first, secret)]).toEqual([true, true]);
    coordinator.moveClock({ seconds: 24 * 3600 });
  });

  test('sends one delivery again, or all since a time, under the same ids', async () => {
    coordinator.moveClock({ seconds: 60 });
    const since = new Date(coordinator.now()).toISOString();
    for (let count = 0; count < 3; count++) await cancelOne();
    await coordinator.running.deliver();
    const ids = receiver.received.map(({ headers }) => headers['webhook-id']);
    const one = await call<WebhookDelivery>('POST', `/v1/webhooks/${id}/deliveries/${ids[0]}/redeliver`);
    expect([one.status, one.body.state, one.body.attempts.length]).toEqual([202, 'pending', 1]);
    await coordinator.running.deliver();
    expect(receiver.received.at(-1)?.headers['webhook-id']).toBe(ids[0]);
    const all = await call('POST', `/v1/webhooks/${id}/redeliver`, { since });
    expect(all.body).toEqual({ redelivering: 3, complete: true, next_since: null });
    await coordinator.running.deliver();
    expect(
      receiver.received
        .slice(4)
        .map(({ headers }) => headers['webhook-id'])
        .sort(),
    ).toEqual(ids.sort());
    const none = await call('POST', `/v1/webhooks/${id}/redeliver`, { since, only_failed: true });
    expect(none.body).toMatchObject({ redelivering: 0, complete: true });
    const unknown = await call('POST', `/v1/webhooks/${id}/deliveries/msg_none/redeliver`);
    expect(refusal(unknown)).toEqual([404, 'WEBHOOK_NOT_FOUND']);
  });

  test('reads deliveries in pages, newest first, of one state if wanted', async () => {
    const pages = await allPages<WebhookDelivery>(coordinator, `/v1/webhooks/${id}/deliveries?limit=2`, {
      key,
    });
    const ids = pages.flat().map(delivery => delivery.id);
    expect(ids.length).toBeGreaterThan(5);
    expect(ids).toEqual([...ids].sort().reverse());
    expect((await call('GET', `/v1/webhooks/${id}/deliveries?state=failed`)).body).toEqual([]);
  });

  test('has no more webhooks than the operator allows, and none after deleting it', async () => {
    const more = () => call('POST', '/v1/webhooks', { url: receiver.url, events: ['job.failed'] });
    expect([(await more()).status, (await more()).status]).toEqual([201, 201]);
    expect(refusal(await more())).toEqual([403, 'WEBHOOK_LIMIT_EXCEEDED']);
    await cancelOne();
    expect((await call('DELETE', `/v1/webhooks/${id}`)).status).toBe(204);
    await coordinator.running.deliver();
    expect(receiver.received).toEqual([]);
    expect(refusal(await call('GET', `/v1/webhooks/${id}`))).toEqual([404, 'WEBHOOK_NOT_FOUND']);
    expect((await more()).status).toBe(201);
  });

  test.each([
    ['no events', { events: [] }, 'OUT_OF_RANGE', 'events'],
    ['an unknown event', { events: ['job.begun'] }, 'INVALID_FORMAT', 'events.0'],
    ['no URL', { url: 'your-app' }, 'INVALID_FORMAT', 'url'],
    ['another scheme', { url: 'ftp://127.0.0.1/' }, 'INVALID_FORMAT', 'url'],
    ['a password', { url: 'https://me:secret@127.0.0.1/' }, 'INVALID_FORMAT', 'url'],
    ['a URL that is too long', { url: `https://127.0.0.1/${'x'.repeat(2048)}` }, 'OUT_OF_RANGE', 'url'],
    ['an unknown field', { secret: 'mine' }, 'UNKNOWN_FIELD', 'secret'],
  ])('registers none with %s', async (_, wrong, code, field) => {
    const request = { url: receiver.url, events: ['job.failed'], ...wrong };
    expect(refusal(await call('POST', '/v1/webhooks', request))).toEqual([400, `VALIDATION_${code}`, field]);
  });
});

/** Whether the verifier of Standard Webhooks accepts it, whose clock is the coordinator's. */
function verified(secret: string, text: string, headers: object, now: number): boolean {
  const { now: real } = Date;
  Date.now = () => now;
  try {
    return new Verifier(secret).verify(text, headers as Record<string, string>) !== undefined;
  } catch {
    return false;
  } finally {
    Date.now = real;
  }
}

function isSignedBy(key: string, text: string, headers: Receiver['received'][number]['headers']): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signatures } = headers;
  const [, signature = ''] = /(?:^| )v1a,(\S+)/.exec(signatures) ?? [];
  const x = Buffer.from(key.replace('whpk_', ''), 'base64').toString('base64url');
  const publicKey = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } });
  return verify(null, Buffer.from(`${id}.${time}.${text}`), publicKey, Buffer.from(signature, 'base64'));
}
