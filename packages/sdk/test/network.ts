import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { type ClientOptions, CoordinatorClient } from '../src/index.ts';

export interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}

/** What the network does to one request. The last one of a list applies to all later requests. */
export type Mishap = (response: ServerResponse, request: Seen) => void;

/**
 * Returns a client on a network that fails in the given ways, what arrived, and how long the client slept.
 */
export async function brokenNetwork(mishaps: Mishap[], options: ClientOptions = {}) {
  const seen: Seen[] = [];
  const slept: number[] = [];
  const server = createServer(async (request, response) => {
    const chunks = await Array.fromAsync(request);
    const { method = '', url = '', headers } = request;
    seen.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
    const mishap = mishaps[Math.min(seen.length, mishaps.length) - 1];
    const latest = seen.at(-1);
    if (mishap && latest) mishap(response, latest);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const sleep = async (ms: number) => {
    slept.push(ms);
  };
  const client = new CoordinatorClient(url, { sleep, random: () => 1, ...options });
  return { client, url, seen, slept };
}

export const reset: Mishap = response => response.socket?.resetAndDestroy();
export const hang: Mishap = () => {};

export const answer =
  (status: number, body: unknown = {}, headers: Record<string, string> = {}): Mishap =>
  response => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };

export const html =
  (status: number): Mishap =>
  response => {
    response.writeHead(status, { 'content-type': 'text/html' }).end('<h1>A proxy</h1>');
  };
