import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { parseArgs } from 'node:util';
import { ATTACKS, type Attack, type AttackName, type Sent } from './attacks.ts';

/*
 * An abusive client in its own process. It keeps its connections busy with one kind of request until it is
 * ended. It prints a line when it is ready, starts at the first input on its standard input, and from then on
 * prints how often it was answered with each status.
 */

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: '' },
    key: { type: 'string', default: '' },
    attack: { type: 'string', default: '' },
    connections: { type: 'string', default: '4' },
  },
});

const url = new URL(values.url);
const attack: Attack = ATTACKS[values.attack as AttackName];
const requests = attack.requests();
const answered: Record<string, number> = {};
const agent = new Agent({ keepAlive: true });

async function send({ method, path, body }: Sent): Promise<string> {
  const headers = {
    'x-api-key': values.key,
    ...(body && { 'content-type': 'application/json', 'content-length': body.length }),
  };
  const sending = request(new URL(path, url), { method, headers, agent });
  sending.end(body);
  const [response] = await once(sending, 'response');
  response.resume();
  await once(response, 'end');
  return String(response.statusCode);
}

/** Sends a body except for its last byte, and gives up some time later. */
async function stall({ method, path, body = Buffer.alloc(0) }: Sent): Promise<string> {
  const socket = connect(Number(url.port), url.hostname);
  socket.on('error', () => {});
  socket.write(
    `${method} ${path} HTTP/1.1\r\nhost: ${url.host}\r\nx-api-key: ${values.key}\r\n` +
      `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`,
  );
  socket.write(body.subarray(0, -1));
  const patience = setTimeout(() => socket.destroy(), 1_000);
  const [answer] = await Promise.race([once(socket, 'data'), once(socket, 'close')]);
  clearTimeout(patience);
  socket.destroy();
  return Buffer.isBuffer(answer) ? answer.toString('latin1', 9, 12) : 'none';
}

async function keepBusy(first: number): Promise<never> {
  for (let turn = first; ; turn++) {
    const sent = requests[turn % requests.length];
    if (!sent) throw new Error('An attack sends something');
    const status = await (attack.stalls ? stall : send)(sent).catch(() => 'broken');
    answered[status] = (answered[status] ?? 0) + 1;
  }
}

process.stdout.write('{}\n');
await once(process.stdin, 'data');
setInterval(() => process.stdout.write(`${JSON.stringify(answered)}\n`), 200);
await Promise.all(Array.from({ length: Number(values.connections) }, (_, first) => keepBusy(first)));
