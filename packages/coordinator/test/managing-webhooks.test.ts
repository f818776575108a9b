import type { CreatedWebhook, Problem, Webhook, WebhookDelivery, WebhookSecret } from '@aitbc/protocol';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { allPages, refusal } from './harness/answers.ts';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeOneEngine } from './harness/engines.ts';
import { answering, type Receiver, startReceiver } from './harness/receiver.ts';
import { isVerified } from './harness/webhook-signatures.ts';

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
      one && isVerified(by, one.text, one.headers, coordinator.now());
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
