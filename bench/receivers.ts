import { createServer, type Server, type ServerResponse } from 'node:http';
import { createHistogram } from 'node:perf_hooks';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { latencyOf } from './results.ts';
import type { Received } from './scenarios/webhooks.ts';

/*
 * Servers that webhooks are posted to, in a process of their own. The last one takes requests and never answers, unless
 * it is told to. It prints the address at which it says what has arrived, and then listens on the ports that follow.
 */

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '50' },
    'all-answer': { type: 'boolean', default: false },
  },
});
const count = Number(values.count);

const ids = new Set<string>();
const received: Omit<Received, 'delays'> = { deliveries: 0, doubles: 0, hanging: 0, urls: [] };
/** Microseconds from each event to its delivery, by receiver. */
const delays = Array.from({ length: count }, () => createHistogram());

function receive(index: number, id: string, body: string, response: ServerResponse) {
  response.end();
  received.deliveries++;
  if (ids.has(id)) received.doubles++;
  else delays[index]?.record(Math.max(1, Math.round((Date.now() - Date.parse(timeIn(body))) * 1000)));
  ids.add(id);
}

const timeIn = (body: string) => (JSON.parse(body) as { timestamp: string }).timestamp;

const listen = (server: Server) =>
  new Promise<string>(resolve =>
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      resolve(`http://127.0.0.1:${port}/`);
    }),
  );

for (let index = 0; index < count; index++) {
  const hangs = index === count - 1 && !values['all-answer'];
  const server = createServer((request, response) => {
    if (hangs) {
      received.hanging++;
      return;
    }
    // Each webhook has ids of its own.
    void text(request).then(body => receive(index, String(request.headers['webhook-id']), body, response));
  });
  received.urls.push(await listen(server));
}
const url = await listen(
  createServer((_, response) => {
    const now: Received = { ...received, delays: delays.flatMap(delay => latencyOf(delay) ?? []) };
    response.end(JSON.stringify(now));
  }),
);
process.stdout.write(`${url}\n`);
