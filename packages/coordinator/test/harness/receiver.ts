import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request that a receiver got. */
export interface Received {
  path: string;
  headers: IncomingHttpHeaders & Record<`webhook-${'id' | 'timestamp' | 'signature'}`, string>;
  text: string;
  body: { type: string; timestamp: string; data: Record<string, unknown> };
}

type Behaviour = (response: ServerResponse, received: Received) => void;

/** A server that webhooks are posted to, on a loopback address. */
export interface Receiver {
  url: string;
  port: number;
  received: Received[];
  /** What it does with requests from now on. It answers 200 unless told otherwise. */
  behave(behaviour: Behaviour): void;
  /** Resolves when this holds, which is looked at with each request. */
  until(isSo: () => boolean): Promise<void>;
  close(): Promise<void>;
}

export const answering =
  (status: number, headers: Record<string, string> = {}, text = ''): Behaviour =>
  response =>
    void response.writeHead(status, headers).end(text);

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  let behaviour = answering(200, {}, 'Thanks');
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const got = {
      path: request.url ?? '',
      headers: request.headers as Received['headers'],
      text,
      body: JSON.parse(text),
    };
    received.push(got);
    behaviour(response, got);
    server.emit('received');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hook`,
    port,
    received,
    behave(next) {
      behaviour = next;
    },
    async until(isSo) {
      while (!isSo()) await once(server, 'received');
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
