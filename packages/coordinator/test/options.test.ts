import type { Job, Miner } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { refusal } from './harness/answers.ts';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeOneEngine } from './harness/engines.ts';

describeOneEngine('an option says', engine => {
  const log: string[] = [];
  const coordinator = withCoordinator(engine, {
    bodyLimit: 2048,
    batchBodyLimit: 4096,
    maxWaitSeconds: 0,
    leaseSeconds: 20,
    jobTimeoutSeconds: 50,
    offerSeconds: 7,
    minerTimeoutSeconds: 40,
    ttlSeconds: 600,
    maxAttempts: 1,
    idempotencySeconds: 60,
    coordinatorId: 'Our coordinator, no. 1',
    rate: 3,
    trustProxy: true,
    logLevel: 'debug',
    logStream: { write: line => log.push(line) },
  });
  const { submit, register, available, claims, complete, heartbeat } = actions(coordinator);
  const after = (seconds: number) => new Date(coordinator.now() + seconds * 1000).toISOString();
  const jobOf = (bytes: number) => ({ prompt: 'x'.repeat(bytes), model: 'm' });

  test('how long a body may be, and that of a batch', async () => {
    const one = (bytes: number) => coordinator.call('POST', '/v1/jobs', jobOf(bytes));
    const batch = (bytes: number) => coordinator.call('POST', '/v1/jobs/batch', { jobs: [jobOf(bytes)] });
    expect([(await one(2000)).status, (await batch(4000)).status]).toEqual([201, 201]);
    const refused = [await one(2048), await batch(4096)];
    expect(refused.map(refusal)).toEqual(Array(2).fill([413, 'PAYLOAD_TOO_LARGE']));
    expect(refused.map(({ body }) => (body as { detail: string }).detail)).toEqual([
      'The body is larger than 2048 bytes',
      'The body is larger than 4096 bytes',
    ]);
  });

  test('how long a request may wait', async () => {
    await register('impatient');
    const { job_id } = await submit({ model: 'nobody-runs-this' });
    const answers = [
      await coordinator.call('GET', '/v1/jobs/available?miner_id=impatient&wait=3600'),
      await coordinator.call('POST', '/v1/miners/impatient/claims', { wait: 3600 }),
      await coordinator.call('GET', `/v1/jobs/${job_id}?wait=3600`),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  test('how long offers, leases and attempts last, and how often to send a heartbeat', async () => {
    const miner = (await register('timely', { capabilities: ['timely'] })) as Miner;
    const { job_id } = await submit({ model: 'timely' });
    expect((await available('timely'))?.lease_expires_at).toBe(after(7));
    const lease = { lease_expires_at: after(20), deadline: after(50) };
    expect(await claims('timely')).toEqual([expect.objectContaining(lease)]);
    coordinator.moveClock({ seconds: 10 });
    expect((await heartbeat('timely', [job_id])).jobs).toEqual([
      { job_id, lease_expires_at: after(20), deadline: after(40) },
    ]);
    expect(miner.heartbeat_seconds).toBe(5);
  });

  test('how long a job lives and how often it is tried, unless it says so itself', async () => {
    expect(await submit()).toMatchObject({ expires_at: after(600), max_attempts: 1 });
    const own = await submit({ ttl_seconds: 5, max_attempts: 4 });
    expect(own).toMatchObject({ expires_at: after(5), max_attempts: 4 });
  });

  test('when a silent miner is offline', async () => {
    await register('silent');
    const status = async () => (await coordinator.call<Miner>('GET', '/v1/miners/silent')).body.status;
    await coordinator.pass({ seconds: 39 });
    expect(await status()).toBe('online');
    await coordinator.pass({ seconds: 1 });
    expect(await status()).toBe('offline');
  });

  test('how long an idempotency key is remembered', async () => {
    const send = async () =>
      (await coordinator.call<Job>('POST', '/v1/jobs', jobOf(1), { headers: { 'idempotency-key': 'once' } }))
        .body.job_id;
    const first = await send();
    await coordinator.pass({ seconds: 59 });
    expect(await send()).toBe(first);
    await coordinator.pass({ seconds: 1 });
    expect(await send()).not.toBe(first);
  });

  test('the name and the rate in receipts', async () => {
    await register('paid', { capabilities: ['paid'] });
    const { job_id } = await submit({ model: 'paid' });
    await claims('paid');
    coordinator.moveClock({ seconds: 2 });
    expect(await complete(job_id, 'paid')).toMatchObject({
      coordinator_id: 'Our coordinator, no. 1',
      units: 2,
      price: 6,
      metadata: { rate: 3 },
    });
  });

  test('that requests are logged, with the address that the proxy tells', async () => {
    await coordinator.call('GET', '/v1/stats?seen', undefined, {
      headers: { 'x-forwarded-for': '192.0.2.7' },
    });
    const line = log.find(text => text.includes('/v1/stats?seen'));
    expect(JSON.parse(line ?? '{}')).toMatchObject({ req: { remoteAddress: '192.0.2.7' } });
  });
});

describeOneEngine('unless an option says otherwise', engine => {
  const log: string[] = [];
  const coordinator = withCoordinator(engine, {
    logLevel: 'info',
    logStream: { write: line => log.push(line) },
  });

  test('no request is logged', async () => {
    await coordinator.call('GET', '/v1/stats');
    expect(log.length).toBeGreaterThan(0);
    expect(log.filter(line => line.includes('/v1/stats'))).toEqual([]);
  });
});

describeOneEngine('a coordinator that sweeps often', engine => {
  const coordinator = withCoordinator(engine, { sweepSeconds: 0.05 });

  test('finds what has expired by itself', async () => {
    const { job_id } = await actions(coordinator).submit({ ttl_seconds: 10 });
    coordinator.moveClock({ seconds: 10 });
    const { body } = await coordinator.call<Job>('GET', `/v1/jobs/${job_id}?wait=15`);
    expect(body.error?.error_code).toBe('JOB_EXPIRED');
  });
});

describeOneEngine('a log of requests without a trusted proxy', engine => {
  const log: string[] = [];
  const coordinator = withCoordinator(engine, {
    logLevel: 'debug',
    logStream: { write: line => log.push(line) },
  });

  test('tells who is connected', async () => {
    await coordinator.call('GET', '/v1/stats', undefined, { headers: { 'x-forwarded-for': '192.0.2.7' } });
    const line = log.find(text => text.includes('/v1/stats'));
    expect(JSON.parse(line ?? '{}')).toMatchObject({ req: { remoteAddress: '127.0.0.1' } });
  });

  test('never tells keys', async () => {
    const key = await coordinator.key('client');
    await coordinator.call('GET', '/v1/jobs', undefined, { key });
    await coordinator.call('GET', '/v1/jobs', undefined, { headers: { authorization: `Bearer ${key}x` } });
    expect(log.filter(line => line.includes('/v1/jobs')).length).toBeGreaterThan(1);
    expect(log.join('')).not.toContain(key);
  });
});
