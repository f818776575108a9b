import type { CreatedWebhook, WebhookDelivery } from '@aitbc/protocol';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createAddressPolicy } from '../src/webhooks/addresses.ts';
import { refusal } from './harness/answers.ts';
import { actions, startTestCoordinator, type TestCoordinator } from './harness/coordinator.ts';
import { type DnsServer, startDnsServer } from './harness/dns.ts';
import { sqlite } from './harness/engines.ts';
import { type Receiver, startReceiver } from './harness/receiver.ts';

/** Public addresses that nothing is ever sent to. */
const PUBLIC = ['93.184.216.34', '2606:2800:220:1:248:1893:25c8:1946'];

test.each([
  ...['127.0.0.1', '127.1.2.3', '10.0.0.1', '172.16.0.1', '192.168.1.1', '169.254.169.254', '0.0.0.0'],
  ...['100.64.0.1', '100.100.100.200', '192.0.0.192', '192.0.2.1', '198.18.0.1', '224.0.0.1', '240.0.0.1'],
  ...['255.255.255.255', '168.63.129.16'],
  ...['::', '::1', '::7f00:1', 'fe80::1', 'fec0::1', 'fc00::1', 'fd00:ec2::254', 'ff02::1', '2001:db8::1'],
  // IPv4-mapped, NAT64, 6to4 and Teredo addresses of 127.0.0.1 and 10.0.0.1.
  ...['::ffff:127.0.0.1', '::ffff:10.0.0.1', '64:ff9b::7f00:1', '64:ff9b::a00:1', '64:ff9b:1::a00:1'],
  ...['2002:7f00:1::', '2001:0:0:1::1', '4000::1'],
])('%s is refused, by https too', address => {
  expect(createAddressPolicy([]).faultOf(address, 'https:')).toBe(`the address ${address} is not public`);
});

test.each([...PUBLIC, '::ffff:93.184.216.34', '64:ff9b::5db8:d822'])(
  '%s is reached by https only',
  address => {
    const { faultOf } = createAddressPolicy([]);
    expect(faultOf(address, 'https:')).toBeUndefined();
    expect(faultOf(address, 'http:')).toMatch(/https/);
  },
);

test('What the operator allows is reached by both, and nothing besides', () => {
  const { faultOf } = createAddressPolicy(['10.1.0.0/16', 'fd00::/8', '127.0.0.1']);
  for (const address of ['10.1.2.3', 'fd00::1', '127.0.0.1', '::ffff:10.1.2.3', '64:ff9b::a01:203'])
    expect([faultOf(address, 'http:'), faultOf(address, 'https:')]).toEqual([undefined, undefined]);
  for (const address of ['10.2.0.1', '127.0.0.2', '::1', '169.254.169.254'])
    expect(faultOf(address, 'https:')).toMatch(/not public/);
});

let coordinator: TestCoordinator;
let receiver: Receiver;
let dns: DnsServer;
beforeAll(async () => {
  [receiver, dns] = await Promise.all([startReceiver(), startDnsServer()]);
  coordinator = await startTestCoordinator(sqlite, {
    webhookAllow: ['127.0.0.1'],
    webhookDns: dns.address,
    webhookTimeoutSeconds: 5,
  });
});
beforeEach(() => {
  receiver.received.length = 0;
});
afterAll(async () => {
  await coordinator.stop();
  await receiver.close();
  dns.close();
});

const add = (url: string) =>
  coordinator.call<CreatedWebhook>('POST', '/v1/webhooks', { url, events: ['job.cancelled'] });
const refused = [400, 'WEBHOOK_ADDRESS_REFUSED', 'url'];

/** Cancels a job, and returns the log of the delivery. */
async function deliver(id: string) {
  const { submit, cancel } = actions(coordinator);
  await cancel((await submit()).job_id);
  await coordinator.running.deliver();
  const { body } = await coordinator.call<WebhookDelivery[]>('GET', `/v1/webhooks/${id}/deliveries`);
  await coordinator.call('DELETE', `/v1/webhooks/${id}`);
  return body[0]?.attempts[0];
}

test.each([
  ...['https://10.0.0.1/', 'https://[::1]/', 'https://[::ffff:7f00:2]/', 'https://127.0.0.2/'],
  // The ways in which URLs may spell 127.0.0.2 and 10.0.0.1.
  ...['http://2130706434/', 'http://0x7f000002/', 'http://0177.0.0.2/', 'http://10.1/', 'http://１０.0.0.1/'],
])('%s is refused at registration', async url => {
  expect(refusal(await add(url))).toEqual(refused);
});

test('A name is refused if it has no address, or any that must not be reached', async () => {
  dns.names = {
    'inside.test': ['10.0.0.1'],
    'mixed.test': ['127.0.0.1', '10.0.0.1'],
    'public.test': [PUBLIC[0] ?? ''],
  };
  for (const name of ['nowhere.test', 'inside.test', 'mixed.test'])
    expect([name, ...refusal(await add(`https://${name}/`))]).toEqual([name, ...refused]);
  expect(refusal(await add('http://public.test/'))).toEqual(refused);
});

test('The checked address is connected to, and the receiver sees its name', async () => {
  dns.names = { 'shop.test': ['127.0.0.1'] };
  const { body } = await add(`http://shop.test:${receiver.port}/hook`);
  expect(await deliver(body.id)).toMatchObject({ status_code: 200 });
  expect(receiver.received[0]?.headers.host).toBe(`shop.test:${receiver.port}`);
});

test('A name that has another address at the delivery is checked again', async () => {
  dns.names = { 'rebinding.test': ['127.0.0.1'] };
  const { body } = await add(`http://rebinding.test:${receiver.port}/hook`);
  dns.names = { 'rebinding.test': ['127.0.0.2'] };
  expect(await deliver(body.id)).toMatchObject({
    status_code: null,
    error: 'Not sent: the address 127.0.0.2 is not public',
  });
  expect(receiver.received).toEqual([]);
});

test('Each delivery asks for the name once: there is no time between check and use', async () => {
  dns.names = { 'once.test': ['127.0.0.1'] };
  const { body } = await add(`http://once.test:${receiver.port}/hook`);
  dns.asked.length = 0;
  await deliver(body.id);
  expect(dns.asked).toEqual(['once.test']);
});

test('Jobs’ own URLs are checked, and nothing is stored of a job whose URL is refused', async () => {
  const submit = (webhook_url: string) =>
    coordinator.call('POST', '/v1/jobs', { prompt: 'Hello', model: 'refused', webhook_url });
  expect(refusal(await submit('https://10.0.0.1/'))).toEqual([400, 'WEBHOOK_ADDRESS_REFUSED', 'webhook_url']);
  const { body } = await coordinator.call('GET', '/v1/jobs?model=refused');
  expect(body).toEqual([]);
});

test('A receiver whose certificate nobody vouches for gets nothing', async () => {
  const { body } = await add(`https://127.0.0.1:${receiver.port}/hook`);
  expect(await deliver(body.id)).toMatchObject({ status_code: null, error: expect.any(String) });
  expect(receiver.received).toEqual([]);
});
