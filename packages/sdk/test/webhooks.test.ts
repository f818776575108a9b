import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { Webhook as Verifier } from 'standardwebhooks';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { verifyWebhook, WebhookVerificationError } from '../src/index.ts';
import { mineOne, withCoordinator } from './coordinator.ts';

const coordinator = withCoordinator({ webhookAllow: ['127.0.0.1'] });

interface Posted {
  body: string;
  headers: Record<string, string>;
}

const server = createServer(async (request, response) => {
  posted.push({ body: await text(request), headers: request.headers as Posted['headers'] });
  server.emit('posted');
  response.end();
});
const posted: Posted[] = [];
let url = '';
beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  url = `http://127.0.0.1:${(server.address() as { port: number }).port}/`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function nextPosted(): Promise<Posted> {
  while (posted.length === 0) await once(server, 'posted');
  return posted.shift() as Posted;
}

const SECRET = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD';
const BODY = '{"type":"webhook.test","timestamp":"2026-01-24T15:00:00.000Z","data":{"test_id":"test-ä"}}';
const NOW = Date.parse('2026-01-24T15:00:00Z');

/** A delivery that the library of Standard Webhooks has signed. */
function signed(body = BODY, secret = SECRET, at = NOW): Posted {
  const signature = new Verifier(secret).sign('msg_1', new Date(at), body);
  const headers = {
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(Math.floor(at / 1000)),
    'webhook-signature': signature,
  };
  return { body, headers };
}

const at = (now: number) => ({ now: () => now });

test('a webhook is registered, tested and verified by its secret and by the coordinator’s key', async () => {
  const { client } = coordinator;
  const webhook = await client.webhooks.create({ url, events: ['job.completed'], include_result: true });
  const delivery = await client.webhooks.test(webhook.id);
  const tested = await nextPosted();
  expect(tested.headers['webhook-id']).toBe(delivery.id);
  await client.jobs.submit({ prompt: 'Hello', model: 'told' });
  const receipt = await mineOne(client, 'told', 'Hello, you!');
  const { body, headers } = await nextPosted();
  for (const key of [webhook.secret, await client.webhooks.key()]) {
    const message = await verifyWebhook(body, headers, key);
    expect(message).toMatchObject({ type: 'job.completed', data: { receipt, result: 'Hello, you!' } });
    await expect(verifyWebhook(`${body} `, headers, key)).rejects.toThrow(WebhookVerificationError);
  }
  const { secret } = await client.webhooks.rotateSecret(webhook.id);
  await client.webhooks.redeliver(webhook.id, headers['webhook-id'] ?? '');
  const again = await nextPosted();
  expect(again.headers['webhook-id']).toBe(headers['webhook-id']);
  for (const key of [webhook.secret, secret]) await verifyWebhook(again.body, again.headers, key);
  const since = new Date(Date.now() - 60_000).toISOString();
  expect(await client.webhooks.redeliverSince(webhook.id, { since })).toMatchObject({ redelivering: 2 });
  await nextPosted();
  await nextPosted();
  const deliveries = await Array.fromAsync(client.webhooks.deliveries(webhook.id));
  expect(deliveries.map(({ type }) => type)).toEqual(['job.completed', 'webhook.test']);
  expect(await client.webhooks.update(webhook.id, { paused: true })).toMatchObject({ state: 'paused' });
  expect(await Array.fromAsync(client.webhooks.list())).toMatchObject([{ id: webhook.id, state: 'paused' }]);
  await client.webhooks.delete(webhook.id);
  await expect(client.webhooks.get(webhook.id)).rejects.toMatchObject({ errorCode: 'WEBHOOK_NOT_FOUND' });
});

test('a job’s own webhook is verified by the secret of the account', async () => {
  const { client } = coordinator;
  const job = await client.jobs.submit({ prompt: 'Hello', model: 'own', webhook_url: `${url}own` });
  expect(job.webhook_url).toBe(`${url}own`);
  await mineOne(client, 'own');
  const { body, headers } = await nextPosted();
  const { secret } = await client.webhooks.secret();
  expect(await verifyWebhook(body, headers, secret)).toMatchObject({ data: { job_id: job.job_id } });
});

test('what the library of Standard Webhooks signs is verified, as text and as bytes', async () => {
  const { body, headers } = signed();
  const expected = JSON.parse(BODY);
  expect(await verifyWebhook(body, headers, SECRET, at(NOW))).toEqual(expected);
  expect(await verifyWebhook(new TextEncoder().encode(body), new Headers(headers), SECRET, at(NOW))).toEqual(
    expected,
  );
  const capitals = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]),
  );
  const others = ['whsec_AAAA', SECRET];
  expect(await verifyWebhook(body, capitals, others, at(NOW))).toEqual(expected);
});

test.each<[string, Partial<Posted>, string]>([
  ['another body', { body: BODY.replace('ä', 'a') }, 'No signature'],
  ['another secret', signed(BODY, 'whsec_AAAA'), 'No signature'],
  ['another id', { headers: { ...signed().headers, 'webhook-id': 'msg_2' } }, 'No signature'],
  [
    'a signature that is no base64',
    { headers: { ...signed().headers, 'webhook-signature': 'v1,?' } },
    'No signature',
  ],
  ['another version', { headers: { ...signed().headers, 'webhook-signature': 'v2,AAAA' } }, 'No signature'],
  ['no header', { headers: {} }, 'no header webhook-id'],
  ['no time', { headers: { ...signed().headers, 'webhook-timestamp': 'now' } }, 'last 300 s'],
  ['a time long ago', signed(BODY, SECRET, NOW - 301_000), 'last 300 s'],
  ['a time to come', signed(BODY, SECRET, NOW + 301_000), 'last 300 s'],
])('%s is refused', async (_, changed, words) => {
  const { body, headers } = { ...signed(), ...changed };
  const verifying = verifyWebhook(body, headers, SECRET, at(NOW));
  await expect(verifying).rejects.toThrow(WebhookVerificationError);
  await expect(verifying).rejects.toThrow(words);
});

test('a secret that is none is a mistake of the caller', async () => {
  const { body, headers } = signed();
  for (const secret of ['secret', 'whsec_?', ''])
    await expect(verifyWebhook(body, headers, secret, at(NOW))).rejects.toThrow(TypeError);
});
