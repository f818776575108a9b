import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CreatedWebhook, Webhook, WebhookDelivery } from '@aitbc/protocol';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { RETRY_PAUSES_MS } from '../src/webhooks/webhook.ts';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine, describeOneEngine } from './harness/engines.ts';
import { answering, type Receiver, startReceiver } from './harness/receiver.ts';

const DAY = 24 * 3600;
/** Added to a pause by chance, at most. */
const JITTER = 1.2;

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
beforeEach(() => {
  receiver.received.length = 0;
});
afterAll(() => receiver.close());

const OPTIONS = { webhookAllow: ['127.0.0.1'], webhookTimeoutSeconds: 0.5 };

/** What tests do with webhooks of one account. */
function hooksOf(coordinator: ReturnType<typeof withCoordinator>) {
  const call = async <Body>(method: string, path: string, body?: unknown) =>
    (await coordinator.call<Body>(method, path, body)).body;
  return {
    add: (url = receiver.url) =>
      call<CreatedWebhook>('POST', '/v1/webhooks', { url, events: ['job.cancelled'] }),
    get: (id: string) => call<Webhook>('GET', `/v1/webhooks/${id}`),
    change: (id: string, change: object) => call<Webhook>('PATCH', `/v1/webhooks/${id}`, change),
    remove: (id: string) => call('DELETE', `/v1/webhooks/${id}`),
    deliveries: (id: string) => call<WebhookDelivery[]>('GET', `/v1/webhooks/${id}/deliveries`),
    redeliver: (id: string, delivery: string) =>
      call('POST', `/v1/webhooks/${id}/deliveries/${delivery}/redeliver`),
    async cancelJob(own: object = {}) {
      const { submit, cancel } = actions(coordinator);
      const { job_id } = await submit(own);
      await cancel(job_id);
      return job_id;
    },
  };
}

describeEachEngine('a delivery that fails', engine => {
  const coordinator = withCoordinator(engine, OPTIONS);
  const hooks = hooksOf(coordinator);

  test('is tried again after longer and longer pauses, with the same id, and given up in the end', async () => {
    receiver.behave(answering(500, {}, 'Out of order'));
    const { id } = await hooks.add();
    await hooks.cancelJob();
    await coordinator.running.deliver();
    for (const [index, pauseMs] of RETRY_PAUSES_MS.entries()) {
      coordinator.moveClock({ seconds: pauseMs / 1000 - 1 });
      await coordinator.running.deliver();
      expect(receiver.received).toHaveLength(index + 1);
      coordinator.moveClock({ seconds: 1 + (pauseMs / 1000) * (JITTER - 1) });
      await coordinator.running.deliver();
      expect(receiver.received).toHaveLength(index + 2);
    }
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    const [delivery] = await hooks.deliveries(id);
    expect(delivery).toMatchObject({ state: 'failed', next_attempt_at: null });
    expect(delivery?.attempts.map(({ status_code, response }) => [status_code, response])).toEqual(
      Array.from({ length: 8 }, () => [500, 'Out of order']),
    );
    expect(await hooks.get(id)).toMatchObject({ state: 'active', failing_since: expect.any(String) });
    receiver.behave(answering(200));
    await hooks.redeliver(id, delivery?.id ?? '');
    await coordinator.running.deliver();
    expect((await hooks.deliveries(id))[0]).toMatchObject({ state: 'delivered' });
    expect(await hooks.get(id)).toMatchObject({ failing_since: null, last_success_at: expect.any(String) });
    await hooks.remove(id);
  });

  test('disables the webhook after five days, until its owner resumes it', async () => {
    receiver.behave(answering(500));
    const { id } = await hooks.add();
    for (let day = 0; day <= 5; day++) {
      await hooks.cancelJob();
      await coordinator.running.deliver();
      coordinator.moveClock({ seconds: DAY });
    }
    expect(await hooks.get(id)).toMatchObject({ state: 'disabled', disabled_reason: 'failing' });
    const metrics = await coordinator.running.modules.metrics.text();
    expect(metrics).toMatch(/^aitbc_webhook_deliveries_total{outcome="failed"} [1-9]/m);
    expect(metrics).toMatch(/^aitbc_webhooks_disabled_total{reason="failing"} 1$/m);
    expect(metrics).toMatch(/^aitbc_webhook_deliveries_pending [1-9]/m);
    receiver.received.length = 0;
    await hooks.cancelJob();
    await coordinator.running.deliver();
    expect(receiver.received).toEqual([]);
    receiver.behave(answering(200));
    expect(await hooks.change(id, { paused: false })).toMatchObject({ state: 'active', failing_since: null });
    const job = await hooks.cancelJob();
    await coordinator.running.deliver();
    expect(receiver.received.map(({ body }) => body.data.job_id)).toContain(job);
    await hooks.remove(id);
  });

  test('is erased with its tries after a week', async () => {
    receiver.behave(answering(500));
    const { id } = await hooks.add();
    await hooks.cancelJob();
    await coordinator.running.deliver();
    const { store, operations } = coordinator.running.modules;
    const erase = () => store.write(operations.eraseDeliveries, undefined);
    await erase();
    expect(await hooks.deliveries(id)).toHaveLength(1);
    coordinator.moveClock({ seconds: 7 * DAY + 1 });
    await erase();
    expect(await hooks.deliveries(id)).toEqual([]);
    expect(await store.read.selectFrom('webhook_attempt').selectAll().execute()).toEqual([]);
    await hooks.remove(id);
  });
});

describeOneEngine('a receiver', engine => {
  const coordinator = withCoordinator(engine, OPTIONS);
  const hooks = hooksOf(coordinator);

  /** What the log says of one delivery to a receiver. */
  async function tried(url?: string) {
    const { id } = await hooks.add(url);
    await hooks.cancelJob();
    await coordinator.running.deliver();
    const [{ state, attempts } = { state: undefined, attempts: [] }] = await hooks.deliveries(id);
    const webhook = await hooks.get(id);
    await hooks.remove(id);
    return { state, attempt: attempts[0], webhook };
  }

  test('that answers 410 gets nothing more', async () => {
    receiver.behave(answering(410));
    const { state, webhook } = await tried();
    expect([state, webhook.state, webhook.disabled_reason]).toEqual(['failed', 'disabled', 'gone']);
  });

  test('that answers 410 for one job still gets the events of others', async () => {
    receiver.behave(answering(410));
    for (const webhook_url of [`${receiver.url}/1`, `${receiver.url}/2`]) {
      await hooks.cancelJob({ webhook_url });
      await coordinator.running.deliver();
    }
    expect(receiver.received.map(({ path }) => path)).toEqual(['/hook/1', '/hook/2']);
  });

  test.each([
    ['seconds', () => '3600', 3600],
    ['a date', () => new Date(coordinator.now() + 7_200_000).toUTCString(), 7200],
    ['a year', () => '31536000', 36_000],
  ])('that asks for quiet in Retry-After, as %s, has it', async (_, header, seconds) => {
    receiver.behave(answering(503, { 'retry-after': header() }));
    const { id } = await hooks.add();
    await hooks.cancelJob();
    await coordinator.running.deliver();
    receiver.behave(answering(200));
    coordinator.moveClock({ seconds: seconds - 2 });
    await hooks.cancelJob();
    await coordinator.running.deliver();
    expect(receiver.received).toHaveLength(1);
    coordinator.moveClock({ seconds: 3 });
    await coordinator.running.deliver();
    await coordinator.running.deliver();
    expect(receiver.received).toHaveLength(3);
    await hooks.remove(id);
  });

  test('that redirects to another address is not followed', async () => {
    const elsewhere = await startReceiver();
    receiver.behave(answering(307, { location: elsewhere.url }));
    expect((await tried()).attempt).toMatchObject({ status_code: 307, error: 'Redirects are not followed' });
    expect(elsewhere.received).toEqual([]);
    await elsewhere.close();
  });

  test('that does not answer is given up after the time limit', async () => {
    receiver.behave(() => {});
    expect((await tried()).attempt).toMatchObject({ status_code: null, error: 'No answer within 0.5 s' });
  });

  test('that answers without an end has answered', async () => {
    receiver.behave(response => {
      response.writeHead(200);
      response.write('x');
    });
    const { state, attempt } = await tried();
    expect([state, attempt?.status_code, attempt?.response]).toEqual(['delivered', 200, 'x']);
  });

  test('that answers a lot is heard for the first kilobyte', async () => {
    receiver.behave(answering(200, {}, `\0${'ä'.repeat(5_000_000)}`));
    const { attempt } = await tried();
    expect(Buffer.byteLength(attempt?.response ?? '')).toBeLessThan(1_030);
  });

  test('that speaks no HTTP, or is not there, is told so in the log', async () => {
    const server = createServer(socket =>
      socket
        .resume()
        .on('error', () => {})
        .end('220 mail\r\n'),
    );
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const url = `http://127.0.0.1:${port}/`;
    expect((await tried(url)).attempt).toMatchObject({
      status_code: null,
      error: expect.stringMatching(/HTTP/),
    });
    await new Promise(resolve => server.close(resolve));
    expect((await tried(url)).attempt).toMatchObject({ error: expect.stringMatching(/ECONNREFUSED/) });
  });

  test('that hangs delays no other, and gets one delivery at a time', async () => {
    const slow = await startReceiver();
    slow.behave(() => {});
    receiver.behave(answering(200));
    const ids = [(await hooks.add(slow.url)).id, (await hooks.add()).id];
    await hooks.cancelJob();
    const first = coordinator.running.deliver();
    while (slow.received.length === 0) await sleep(5);
    for (let count = 0; count < 3; count++) await hooks.cancelJob();
    const second = coordinator.running.deliver();
    while (receiver.received.length < 4) await sleep(5);
    expect(slow.received).toHaveLength(1);
    await Promise.all([first, second]);
    for (const id of ids) await hooks.remove(id);
    await slow.close();
  });
});

describeOneEngine('an account with more deliveries than may be under way', engine => {
  // A quarter of what a process does at once is one delivery.
  const limits = { webhookConcurrency: 4, webhookConcurrencyPerReceiver: 1 };
  const coordinator = withCoordinator(engine, { ...OPTIONS, ...limits });
  const hooks = hooksOf(coordinator);

  test('has each of its webhooks told in turn', async () => {
    receiver.behave((response, received) => {
      coordinator.moveClock({ seconds: 0.1 });
      answering(200)(response, received);
    });
    for (const name of ['one', 'two', 'three']) await hooks.add(`${receiver.url}/${name}`);
    for (let events = 0; events < 3; events++) await hooks.cancelJob();
    await coordinator.running.deliver();
    const told = receiver.received.map(({ path }) => path.split('/').at(-1));
    for (const turn of [0, 3, 6])
      expect(told.slice(turn, turn + 3).sort(), String(told)).toEqual(['one', 'three', 'two']);
  });
});
