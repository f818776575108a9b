import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MinerJob } from '@aitbc/protocol';
import { openCheckpoint, parseAddCheckpoint, parseCheckpoint, parseNote, parseVkey } from '@aitbc/tlog';
import { expect, onTestFinished, test } from 'vitest';
import { runWitness } from '../../../witness/test/witnesses.ts';
import { dishonest } from '../harness/witnesses.ts';
import { type ServerProcess, spawnServer } from './server.ts';

async function call<Body>(url: string, path: string, body?: object): Promise<Body> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url + path, body && { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  const text = await response.text();
  return response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : (text as Body);
}

/** A coordinator that ends with the test. */
function serve(data: string, args: readonly string[] = []): ServerProcess {
  const server = spawnServer({ data }, { args });
  onTestFinished(async () => {
    server.child.kill('SIGKILL');
    await server.exited;
  });
  return server;
}

/** Has a job run, which is an entry of the ledger. */
async function earn(url: string): Promise<void> {
  await call(url, '/v1/miners/register', { miner_id: 'earner', capabilities: ['earned'] });
  await call(url, '/v1/jobs', { prompt: 'Hello', model: 'earned' });
  const { jobs } = await call<{ jobs: MinerJob[] }>(url, '/v1/miners/earner/claims', { max: 1 });
  await call(url, `/v1/jobs/${jobs[0]?.job_id}/complete`, { miner_id: 'earner', result: 'Hello' });
}

test('a checkpoint that was cosigned and, by a kill, not published is no fork afterwards', {
  timeout: 90_000,
}, async () => {
  const data = await mkdtemp(join(tmpdir(), 'aitbc-crash-witness-'));
  onTestFinished(() => rm(data, { recursive: true, force: true }));
  const first = serve(data);
  const vkey = (await call<string>(await first.listening, '/ledger/vkey')).trim();
  first.child.kill('SIGTERM');
  await first.exited;

  // Between coordinator and witness: the answer for the first entry arrives nowhere.
  const log = parseVkey(vkey);
  const witness = await runWitness({ logs: [log] });
  const cosigned = Promise.withResolvers<void>();
  let victim: ServerProcess | undefined;
  const { url } = await dishonest(async (request, response) => {
    const body = Buffer.concat(await Array.fromAsync(request));
    const answer = await fetch(`${witness.url}/add-checkpoint`, { method: 'POST', body });
    const { size } = parseCheckpoint(parseNote(parseAddCheckpoint(body).checkpoint).text);
    if (victim && size === 1 && answer.ok) {
      victim.child.kill('SIGKILL');
      victim = undefined;
      cosigned.resolve();
    } else {
      response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
      response.end(await answer.text());
    }
  });
  const args = ['--witness', `${url}=${witness.vkey}`, '--ledger-interval', '0.05'];
  victim = serve(data, args);
  const { listening, exited } = victim;
  await earn(await listening);
  await cosigned.promise;
  await exited;

  const second = serve(data, args);
  await earn(await second.listening);
  const policy = { log, cosigners: { keys: [parseVkey(witness.vkey)], quorum: 1 } };
  const published = async () =>
    openCheckpoint(await call<string>(await second.listening, '/ledger/checkpoint'), policy);
  await expect.poll(published, { timeout: 60_000 }).toMatchObject({ size: 2 });
  expect(
    witness.events.filter(({ event }) => event === 'refused').map(event => 'code' in event && event.code),
  ).toEqual(expect.not.arrayContaining(['FORK', 'INCONSISTENT', 'FORGOTTEN']));
});
