import { cp } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startWitness } from '../src/index.ts';
import { testLog } from './log.ts';
import { addCheckpoint, NAME, runWitness, testFolder } from './witnesses.ts';

const log = testLog();

/** Starts a log's HTTP server with the given resources. */
async function logServer(resources: Record<string, string>) {
  const server = createServer((request, response) => {
    const text = resources[request.url ?? ''];
    response.writeHead(text === undefined ? 404 : 200).end(text);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const close = async () => {
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
  };
  onTestFinished(close);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/ledger`, resources, close };
}

const start = (data: string, url: string, logs = [] as (typeof log.key)[]) =>
  startWitness({ data, name: NAME, logs, logsFrom: [url], port: 0 });

test('a log is watched by its address', async () => {
  const { url } = await logServer({ '/ledger/vkey': `${log.vkey}\n` });
  const witness = await runWitness({ logs: [], logsFrom: [url] });
  expect(witness.logs).toEqual([log.key.name]);
  expect(await addCheckpoint(witness.url, await log.request(0, 10))).toMatchObject({ status: 200 });
});

test('a log whose key is known need not answer at the start', async () => {
  const server = await logServer({ '/ledger/vkey': `${log.vkey}\n` });
  const { data, close } = await runWitness({ logs: [], logsFrom: [server.url] });
  await close();
  await server.close();
  const witness = await runWitness({ data, logs: [], logsFrom: [server.url] });
  expect(await addCheckpoint(witness.url, await log.request(0, 10))).toMatchObject({ status: 200 });
  expect(witness.events[0]).toMatchObject({ event: 'log_unreachable', url: server.url });
});

test('a log that shows another key than at first is rejected', async () => {
  const server = await logServer({ '/ledger/vkey': `${log.vkey}\n` });
  const { data, close } = await runWitness({ logs: [], logsFrom: [server.url] });
  await close();
  server.resources['/ledger/vkey'] = testLog({ seed: 2 }).vkey;
  await expect(start(data, server.url)).rejects.toThrow(
    `shows another key than at first, which was ${log.vkey}`,
  );
});

test('a key given by option overrides the one at an address', async () => {
  const { url } = await logServer({ '/ledger/vkey': testLog({ seed: 2 }).vkey });
  await expect(start(await testFolder(), url, [log.key])).rejects.toThrow(
    'shows other keys of coordinator.example/ledger than were named before',
  );
});

test('the error names an address that is not a log’s', async () => {
  const { url } = await logServer({});
  await expect(start(await testFolder(), url)).rejects.toThrow(
    `${url}/vkey answers 404: is ${url} the address of a log?`,
  );
});

test('the error names an address that shows something else than a key', async () => {
  const { url } = await logServer({ '/ledger/vkey': '<!doctype html>' });
  await expect(start(await testFolder(), url)).rejects.toThrow(`${url}/vkey has no key of a log`);
});

test('the error names an address that does not answer', async () => {
  const url = 'http://127.0.0.1:2/ledger';
  await expect(start(await testFolder(), url)).rejects.toThrow(`${url}/vkey does not answer`);
});

test('a witness without a log does not start', async () => {
  await expect(startWitness({ data: await testFolder(), name: NAME, port: 0 })).rejects.toThrow(
    'A witness needs a log to watch',
  );
});

test('a restored folder older than the cosigned checkpoint at the log does not start', async () => {
  const server = await logServer({ '/ledger/vkey': log.vkey });
  const { url, data } = await runWitness({ logs: [], logsFrom: [server.url] });
  await addCheckpoint(url, await log.request(0, 10));
  const backup = join(await testFolder(), 'backup');
  await cp(data, backup, { recursive: true });
  const { text } = await addCheckpoint(url, await log.request(10, 25));
  server.resources['/ledger/checkpoint'] = (await log.checkpoint(25)) + text;
  await expect(start(backup, server.url)).rejects.toThrow(`${NAME} has signed size 25`);
});

test('a log that publishes something else than a checkpoint is still watched', async () => {
  const { url } = await logServer({ '/ledger/vkey': log.vkey, '/ledger/checkpoint': 'nothing' });
  const witness = await runWitness({ logs: [], logsFrom: [url] });
  expect(witness.events[0]).toMatchObject({
    event: 'log_unreachable',
    detail: expect.stringContaining('is none'),
  });
});
