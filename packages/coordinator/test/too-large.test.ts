import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { refusal } from './harness/answers.ts';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { sqlite } from './harness/engines.ts';

const coordinator = withCoordinator(sqlite, { bodyLimit: 64 * 1024 });
const { submit, register, claims } = actions(coordinator);

test.each([100, 2_000, 20_000])(
  'an answer of %i KB is refused by an answer that fetch sees',
  async kilobytes => {
    const model = `kb-${kilobytes}`;
    await register(model, { capabilities: [model] });
    const { job_id } = await submit({ model });
    await claims(model);
    const body = { miner_id: model, result: 'x'.repeat(kilobytes * 1024) };
    const answer = await coordinator.call('POST', `/v1/jobs/${job_id}/complete`, body);
    expect(refusal(answer)).toEqual([413, 'PAYLOAD_TOO_LARGE']);
  },
);

test('who sends all of a body that is too large before it reads is told so, too', async () => {
  const piece = Buffer.alloc(64 * 1024, ' ');
  const { hostname, port } = new URL(coordinator.url);
  const socket = connect(Number(port), hostname);
  const answer = text(socket);
  const headers = ['POST /v1/jobs HTTP/1.1', 'Host: localhost', 'Content-Type: application/json'];
  socket.write(`${headers.join('\r\n')}\r\nContent-Length: ${200 * piece.length}\r\n\r\n`);
  for (let sent = 0; sent < 200; sent++) if (!socket.write(piece)) await once(socket, 'drain');
  expect(await answer).toMatch(/^HTTP\/1\.1 413 [\s\S]*PAYLOAD_TOO_LARGE/);
});
