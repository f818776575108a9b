import { request } from 'node:http';
import type { Problem } from '@aitbc/protocol';
import { describe, expect, test } from 'vitest';
import { type TestCoordinator, withCoordinator } from '../harness/coordinator.ts';
import { sqlite } from '../harness/engines.ts';

/*
 * The attack: a page that the operator of an open coordinator happens to visit calls it from the operator's own browser,
 * by a name that the attacker's DNS points to 127.0.0.1, or as a form that is sent without asking.
 */

const JOB = JSON.stringify({ prompt: 'Hello', model: 'm' });

/** By hand, since fetch sends no other `Host` than that of the address. */
async function send(coordinator: TestCoordinator, method: string, headers: Record<string, string>) {
  const sent = request(new URL('/v1/jobs', coordinator.url), {
    method,
    headers: { 'content-type': 'application/json', ...headers },
  });
  sent.end(method === 'POST' ? JOB : undefined);
  const { promise, resolve, reject } = Promise.withResolvers<{
    status: number;
    code: string;
    cors: unknown;
  }>();
  sent.once('error', reject).once('response', async response => {
    const body = JSON.parse(Buffer.concat(await response.toArray()).toString()) as Problem;
    const cors = response.headers['access-control-allow-origin'];
    resolve({ status: response.statusCode ?? 0, code: body.error_code, cors });
  });
  return await promise;
}

describe('An open coordinator', () => {
  const coordinator = withCoordinator(sqlite, {
    allowedHosts: 'coordinator, gpu.lan',
    corsOrigin: 'https://app.example',
  });

  test.each([
    'evil.example',
    'evil.example:8000',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'xlocalhost',
  ])('does not answer to the name %s', async host => {
    for (const method of ['GET', 'POST'])
      expect(await send(coordinator, method, { host })).toMatchObject({
        status: 403,
        code: 'HOST_NOT_ALLOWED',
      });
  });

  test.each([
    'localhost',
    'LOCALHOST:8000',
    '127.0.0.1',
    '192.168.1.5:8000',
    '[::1]:8000',
    'gpu.lan',
    'coordinator:80',
  ])('answers to %s', async host => {
    expect((await send(coordinator, 'POST', { host })).status).toBe(201);
  });

  test.each([
    'https://evil.example',
    'null',
    'http://localhost.evil.example',
    'http://127.0.0.1.evil.example:80',
  ])('takes no write from a page of %s, and shows it nothing', async origin => {
    const answer = await send(coordinator, 'POST', { origin });
    expect(answer).toMatchObject({ status: 403, code: 'ORIGIN_NOT_ALLOWED' });
    expect((await send(coordinator, 'GET', { origin })).cors).toBeUndefined();
  });

  test.each(['http://localhost:5173', 'http://127.0.0.1:3000', 'http://[::1]:3000', 'https://app.example'])(
    'takes writes from a page of %s',
    async origin => {
      expect(await send(coordinator, 'POST', { origin })).toMatchObject({ status: 201, cors: origin });
    },
  );

  test('takes writes from its own pages, by whichever address', async () => {
    const headers = { host: '192.168.1.5:8000', origin: 'http://192.168.1.5:8000' };
    expect((await send(coordinator, 'POST', headers)).status).toBe(201);
  });
});

describe('A coordinator that asks for keys', () => {
  const coordinator = withCoordinator(sqlite, { mode: 'keyed' });

  test('answers to any name and to pages from anywhere, which have no key of their own', async () => {
    const headers = { host: 'coordinator.example', origin: 'https://app.example' };
    const key = await coordinator.key('client');
    expect(await send(coordinator, 'POST', { ...headers, 'x-api-key': key })).toMatchObject({
      status: 201,
      cors: '*',
    });
  });
});

describe('An open coordinator on an address that others reach', () => {
  const lines: string[] = [];
  const coordinator = withCoordinator(sqlite, {
    host: '0.0.0.0',
    mode: 'open',
    logLevel: 'warn',
    logStream: { write: line => lines.push(line) },
  });

  test('warns at each start', async () => {
    await coordinator.restart();
    expect(lines.filter(line => line.includes('asks for no key'))).toHaveLength(2);
  });
});
