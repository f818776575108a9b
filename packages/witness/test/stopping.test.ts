import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { testLog } from './log.ts';
import { addCheckpoint, runWitness } from './witnesses.ts';

const log = testLog();

test('a request under way is answered before the witness stops', async () => {
  const witness = await runWitness();
  const body = await log.request(0, 10);
  const { hostname, port } = new URL(witness.url);
  const sending = request({ hostname, port, path: '/add-checkpoint', method: 'POST' });
  sending.setHeader('content-length', Buffer.byteLength(body));
  sending.setHeader('expect', '100-continue');
  sending.flushHeaders();
  await once(sending, 'continue');
  const closed = witness.close();
  sending.end(body);
  const [response] = await once(sending, 'response');
  response.resume();
  await closed;
  expect(response.statusCode).toBe(200);
});

test('an idle connection does not delay the stop', async () => {
  const witness = await runWitness();
  const { hostname, port } = new URL(witness.url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  const hungUp = once(socket, 'close');
  socket.resume();
  await witness.close();
  await hungUp;
});

test('cosigned checkpoints survive a restart', async () => {
  const first = await runWitness();
  await addCheckpoint(first.url, await log.request(0, 10));
  await first.close();
  const second = await runWitness({ data: first.data });
  expect(await addCheckpoint(second.url, await log.request(0, 10))).toMatchObject({
    status: 409,
    text: '10\n',
  });
});
