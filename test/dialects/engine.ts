import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ChatRequest, FailureClass, SubmitJob, TokenUsage } from '@aitbc/protocol';

/**
 * What an engine sends for a request, and what a client must get for it. Each file has one and is named
 * `ENGINE-FAULT`.
 */
export interface Dialect {
  name: string;
  /** What is special about it, in a sentence. */
  fault: string;
  /** The engine's own API. Default: OpenAI's. */
  api?: 'ollama';
  request: Pick<SubmitJob, 'prompt' | 'params' | keyof ChatRequest> & { input?: string[] };
  sends: Sent;
  gets: Gets;
}

interface Sent {
  /** Default 200. */
  status?: number;
  /** Default `text/event-stream`. */
  type?: string;
  headers?: Record<string, string>;
  writes: string[];
  /** Sends each byte separately. */
  bytes?: boolean;
  /** Does not end the answer. */
  hangs?: boolean;
  /** Breaks the connection. */
  breaks?: boolean;
}

/** A text, vectors or a failure. Fields that are absent do not matter. */
export interface Gets {
  text?: string;
  finish_reason?: string | null;
  tool_calls?: { id?: string; name: string; arguments: string }[];
  reasoning?: string;
  refusal?: string;
  logprobs?: object[];
  /** Null when there is none. */
  usage?: TokenUsage | null;
  vectors?: number[][];
  failure?: { class: FailureClass; code?: string; says: string };
}

export async function readDialects(): Promise<Dialect[]> {
  const files = (await readdir(import.meta.dirname)).filter(name => name.endsWith('.json')).sort();
  return await Promise.all(
    files.map(async file => ({
      ...JSON.parse(await readFile(join(import.meta.dirname, file), 'utf8')),
      name: file.replace(/\.json$/, ''),
    })),
  );
}

const OLLAMA_ANSWERS = ['/api/chat', '/api/generate', '/api/embed'];

/** Starts an engine that has a model named after each dialect, and sends what the dialect says. */
export async function serveDialects(dialects: readonly Dialect[]) {
  const asked: Record<string, unknown>[] = [];
  const server = createServer(async (request, response) => {
    const text = Buffer.concat(await Array.fromAsync(request)).toString();
    if (request.url === '/v1/models') {
      const data = dialects.filter(({ api }) => !api).map(({ name }) => ({ id: name, object: 'model' }));
      response.writeHead(200, { 'content-type': 'application/json' });
      return response.end(JSON.stringify({ object: 'list', data }));
    }
    if (request.url === '/api/tags') {
      const models = dialects.filter(({ api }) => api).map(({ name }) => ({ name, digest: name }));
      response.writeHead(200, { 'content-type': 'application/json' });
      return response.end(JSON.stringify({ models }));
    }
    if (request.url?.startsWith('/api/') && !OLLAMA_ANSWERS.includes(request.url))
      return response.writeHead(404).end();
    const body = text === '' ? {} : JSON.parse(text);
    const dialect = dialects.find(({ name }) => name === body.model);
    if (!dialect) return response.writeHead(404).end();
    asked.push(body);
    await send(response, dialect.sends);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** The bodies of requests, oldest first. */
    askedFor: (name: string) => asked.filter(({ model }) => model === name),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function send(response: ServerResponse, sent: Sent): Promise<void> {
  const { status = 200, type = 'text/event-stream', headers, writes, bytes, hangs, breaks } = sent;
  response.writeHead(status, { 'content-type': type, ...headers });
  const parts = bytes ? Array.from(Buffer.from(writes.join('')), byte => Uint8Array.of(byte)) : writes;
  // A single write would send them to the miner together.
  for (const part of parts) await new Promise(resolve => response.write(part, resolve));
  if (breaks) response.socket?.destroySoon();
  else if (!hangs) response.end();
}
