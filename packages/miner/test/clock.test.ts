import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createClock } from '../src/index.ts';

const HOUR_MS = 3_600_000;

/** Starts a server whose clock is wrong. */
async function serverAhead(ms: number): Promise<string> {
  const server = createServer((_, response) => {
    response.setHeader('date', new Date(Date.now() + ms).toUTCString()).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Returns how far the clock is ahead of this machine's after an answer, in whole hours. */
async function hoursAhead(ms: number): Promise<number> {
  const clock = createClock();
  await clock.fetch(await serverAhead(ms));
  return Math.round((clock.now() - Date.now()) / HOUR_MS);
}

test('the clock follows the coordinator’s answers', async () => {
  expect(await hoursAhead(2 * HOUR_MS)).toBe(2);
  expect(await hoursAhead(-3 * HOUR_MS)).toBe(-3);
});

test('a difference that the network explains is ignored', async () => {
  const clock = createClock();
  const before = Date.now();
  await clock.fetch(await serverAhead(1_000));
  expect(clock.now()).toBeGreaterThanOrEqual(before);
  expect(clock.now()).toBeLessThanOrEqual(Date.now());
});
