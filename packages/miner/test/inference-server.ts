import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Generation } from '../src/index.ts';

export interface Asked {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  /** The JSON body of the request. */
  body: Record<string, unknown>;
  /** The body as text. */
  text: string;
}

/** Handles a request. */
export type Answer = (response: ServerResponse, asked: Asked) => void;

/** Starts an inference server that answers each path as given. */
export async function serve(answers: Record<string, Answer>) {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const text = Buffer.concat(await Array.fromAsync(request)).toString();
    const { method = '', url: path = '', headers } = request;
    const one = { method, path, headers, body: text === '' ? {} : JSON.parse(text), text };
    asked.push(one);
    const answer = answers[path] ?? notFound;
    answer(response, one);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const notFound: Answer = response => {
  response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found');
};

export const json =
  (status: number, body: unknown): Answer =>
  response => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };

/** Sends each piece as its own HTTP chunk. */
export const chunks =
  (contentType: string, pieces: Iterable<string | Uint8Array>): Answer =>
  async response => {
    response.writeHead(200, { 'content-type': contentType });
    // A single write would make one chunk of them.
    for (const piece of pieces) await new Promise(resolve => response.write(piece, resolve));
    response.end();
  };

/** Splits a text into single bytes, so that boundaries fall within every line and character. */
export const bytes = (text: string): Uint8Array[] =>
  Array.from(Buffer.from(text), byte => Uint8Array.of(byte));

/** Sends this, and breaks the connection once the reader has it. */
export const hangUpAfter =
  (contentType: string, text: string): Answer =>
  response => {
    response.writeHead(200, { 'content-type': contentType });
    response.write(text, () => response.socket?.destroySoon());
  };

/** Starts an endless answer, and resolves `hungUp` when the reader has closed the connection. */
export function endless(contentType: string, text: string): { answer: Answer; hungUp: Promise<unknown> } {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const answer: Answer = response => {
    response.writeHead(200, { 'content-type': contentType });
    response.write(text);
    response.once('close', resolve);
  };
  return { answer, hungUp: promise };
}

/** Returns an address where nobody listens. */
export async function closedPort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

/** Returns a generation and the pieces that it receives. */
export function generation(given: Partial<Generation> = {}): { pieces: string[]; generation: Generation } {
  const pieces: string[] = [];
  return {
    pieces,
    generation: {
      model: 'llama3.2',
      prompt: 'Why is the sky blue?',
      params: {},
      signal: new AbortController().signal,
      onToken: piece => pieces.push(piece),
      ...given,
    },
  };
}
