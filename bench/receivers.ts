import { createServer, type Server, type ServerResponse } from 'node:http';
import { parseArgs } from 'node:util';
import type { Received } from './scenarios/webhooks.ts';

/*
 * Servers that webhooks are posted to, in a process of their own. The last one takes requests and never answers. It
 * prints the address at which it says what has arrived, and then listens on the ports that follow.
 */

const { values } = parseArgs({ options: { count: { type: 'string', default: '50' } } });
const count = Number(values.count);

const ids = new Set<string>();
const received: Received = { deliveries: 0, doubles: 0, hanging: 0, urls: [] };

function receive(id: string, response: ServerResponse) {
  received.deliveries++;
  if (ids.has(id)) received.doubles++;
  ids.add(id);
  response.end();
}

const listen = (server: Server) =>
  new Promise<string>(resolve =>
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      resolve(`http://127.0.0.1:${port}/`);
    }),
  );

for (let index = 0; index < count; index++) {
  const hangs = index === count - 1;
  const server = createServer((request, response) => {
    if (hangs) {
      received.hanging++;
      return;
    }
    // Each webhook has ids of its own.
    request.resume().on('end', () => receive(String(request.headers['webhook-id']), response));
  });
  received.urls.push(await listen(server));
}
const url = await listen(createServer((_, response) => void response.end(JSON.stringify(received))));
process.stdout.write(`${url}\n`);
