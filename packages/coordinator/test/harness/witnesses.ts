import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  cosignCheckpoint,
  formatSignatureLines,
  parseAddCheckpoint,
  parseNote,
  signerFromSeed,
  verifierKey,
} from '@aitbc/tlog';
import { onTestFinished } from 'vitest';

export type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

export const MALLORY = signerFromSeed(new Uint8Array(32).fill(66));
export const MALLORYS_KEY = verifierKey('witness.example/mallory', 'cosignature/v1', MALLORY.keyId);

/** A witness that answers whatever it likes. */
export async function dishonest(answer: Handler) {
  let asked = 0;
  const server = createServer((request, response) => {
    asked++;
    void answer(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, key: MALLORYS_KEY, asked: () => asked };
}

export const replies =
  (status: number, type: string, text: string) => (_: IncomingMessage, response: ServerResponse) =>
    response.writeHead(status, { 'content-type': type }).end(text);

/** Signs whatever it is asked to, as somebody. */
export const signs =
  (name: string, seed: number, { time = 1_764_000_000, otherText = '' } = {}) =>
  async (request: IncomingMessage, response: ServerResponse) => {
    const body = Buffer.concat(await Array.fromAsync(request));
    const { text } = parseNote(parseAddCheckpoint(body).checkpoint);
    const signer = signerFromSeed(new Uint8Array(32).fill(seed));
    response.end(formatSignatureLines([await cosignCheckpoint(otherText || text, name, signer, time)]));
  };
