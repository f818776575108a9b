import { connect, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { actions, withCoordinator } from '../harness/coordinator.ts';
import { sqlite } from '../harness/engines.ts';

/* The attack: requests that never end, to hold the coordinator's connections and memory. */

const MiB = 1024 * 1024;
const HEAD = 'POST /v1/jobs/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';

describe('A body that does not come to its end', () => {
  const coordinator = withCoordinator(sqlite, { bodySeconds: 0.2, bodyMemory: 1 });
  const open = () => connect(Number(new URL(coordinator.url).port), '127.0.0.1');

  test.each([
    ['of a length', `${HEAD}Content-Length: 100\r\n\r\n{"jobs"`],
    ['in pieces', `${HEAD}Transfer-Encoding: chunked\r\n\r\n7\r\n{"jobs"\r\n`],
    ['of which nothing comes', `${HEAD}Content-Length: 100\r\n\r\n`],
  ])('is given up after a while: %s', async (_, bytes) => {
    const socket = open();
    socket.write(bytes);
    expect(await text(socket)).toMatch(/^HTTP\/1.1 408 .*REQUEST_TIMEOUT/s);
  });

  test('is refused when too much of others has come, while small ones pass', async () => {
    const stalled: Socket[] = [];
    const answers: Promise<string>[] = [];
    for (let count = 0; count < 4; count++) {
      const socket = open();
      socket.write(`${HEAD}Content-Length: ${2 * MiB}\r\n\r\n${'x'.repeat(MiB / 2)}`);
      stalled.push(socket);
      answers.push(text(socket));
    }
    const first = await Promise.any(answers);
    expect(first).toMatch(/^HTTP\/1.1 503 .*SYSTEM_OVERLOADED/s);
    await actions(coordinator).submit();
    // What the coordinator has not read when it closes a connection may cost the client the answer.
    await Promise.allSettled(answers);
    const jobs = [{ prompt: 'x'.repeat(100_000), model: 'm' }];
    expect((await coordinator.call('POST', '/v1/jobs/batch', { jobs })).status).toBe(201);
  });

  test('is read no further when it is packed', async () => {
    const response = await fetch(`${coordinator.url}/v1/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      body: gzipSync('{"prompt":"Hello","model":"m"}'),
    });
    expect([response.status, response.headers.get('accept-encoding')]).toEqual([415, 'identity']);
  });
});

const addresses = Object.values(networkInterfaces()).flatMap(list => list ?? []);
const elsewhere = addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

describe('Connections', () => {
  const coordinator = withCoordinator(sqlite, { host: '0.0.0.0', mode: 'open', connectionsPerAddress: 2 });
  const opened = async (address: string) => {
    const socket = connect(Number(new URL(coordinator.url).port), address);
    await new Promise(resolve => socket.once('connect', resolve));
    socket.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const answered = await new Promise(resolve => {
      socket
        .once('data', () => resolve(true))
        .once('close', () => resolve(false))
        .once('error', () => {});
    });
    return { socket, answered };
  };

  test('of this machine are not counted', async () => {
    const all = await Promise.all([1, 2, 3, 4].map(() => opened('127.0.0.1')));
    expect(all.map(({ answered }) => answered)).toEqual([true, true, true, true]);
    for (const { socket } of all) socket.destroy();
  });

  test.skipIf(elsewhere === undefined)('of another address are no more than its share', async () => {
    const [one, two] = [await opened(elsewhere ?? ''), await opened(elsewhere ?? '')];
    const three = await opened(elsewhere ?? '');
    expect([one.answered, two.answered, three.answered]).toEqual([true, true, false]);
    one.socket.destroy();
    await expect.poll(async () => (await opened(elsewhere ?? '')).answered).toBe(true);
    two.socket.destroy();
  });
});
