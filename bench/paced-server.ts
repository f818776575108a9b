import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { stampedToken } from './stamped-tokens.ts';

/*
 * Serves the part of OpenAI's API that a streamed chat needs, without a model. Its tokens come at a fixed
 * pace, so that any further waiting of a client is not the engine's. Each token tells when it was sent.
 */

const MODEL = 'bench';

const { values } = parseArgs({
  options: {
    tokens: { type: 'string', default: '8' },
    'first-ms': { type: 'string', default: '20' },
    'between-ms': { type: 'string', default: '5' },
  },
});
const tokens = Number(values.tokens);
const firstMs = Number(values['first-ms']);
const betweenMs = Number(values['between-ms']);

const server = createServer(async (request, response) => {
  await Array.fromAsync(request);
  if (request.url === '/v1/models') {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ object: 'list', data: [{ id: MODEL, object: 'model' }] }));
  } else if (request.url === '/v1/chat/completions') await stream(response);
  else response.writeHead(404).end();
});
server.on('connection', socket => socket.setNoDelay(true));

async function stream(response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const send = (delta: object, finish_reason: string | null = null) => {
    const choices = [{ index: 0, delta, finish_reason }];
    const chunk = { id: 'chatcmpl-0', object: 'chat.completion.chunk', created: 0, model: MODEL, choices };
    response.write(`data: ${JSON.stringify(chunk)}\n\n`);
  };
  send({ role: 'assistant', content: '' });
  // Timers fire late on a busy machine. Each waits for a time since the start, so that the pace stays.
  const start = performance.now() + firstMs;
  for (let token = 0; token < tokens && !response.destroyed; token++) {
    const waitMs = start + token * betweenMs - performance.now();
    if (waitMs > 0) await setTimeout(waitMs);
    send({ content: stampedToken() });
  }
  send({}, 'stop');
  response.end('data: [DONE]\n\n');
}

process.once('SIGTERM', () => process.exit());
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
