import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startCoordinator } from '@aitbc/coordinator';
import { CoordinatorClient } from '@aitbc/sdk';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { sqlite } from '../packages/coordinator/test/harness/engines.ts';

const AITBC = inject('programs').main;

const stops: (() => Promise<unknown>)[] = [];
let client: CoordinatorClient;
let url = '';

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'aitbc-examples-'));
  stops.unshift(() => rm(folder, { recursive: true }));
  const { options, remove } = await sqlite.prepare();
  stops.unshift(remove);
  const coordinator = await startCoordinator({ port: 0, ...options, logLevel: 'silent' });
  stops.unshift(() => coordinator.close());
  url = coordinator.url;
  client = new CoordinatorClient(url);
  const argv = ['miner', '--backend', 'echo', '--model', 'llama3.2', '--state', folder, '--coordinator', url];
  const miner = spawn(process.execPath, [AITBC, ...argv], { stdio: ['ignore', 'pipe', 'inherit'] });
  stops.unshift(async () => {
    miner.kill();
    await once(miner, 'exit');
  });
  await once(miner.stdout, 'data');
});

afterAll(async () => {
  for (const stop of stops) await stop();
});

/** Runs an example and returns what it printed. Rejects when it fails. */
async function run(example: string, ...argv: string[]): Promise<string> {
  const env = { ...process.env, AITBC_COORDINATOR: url };
  const program = join(import.meta.dirname, example);
  return (await promisify(execFile)(process.execPath, [program, ...argv], { env })).stdout;
}

test('submit-and-wait.ts prints the result', async () => {
  expect(await run('submit-and-wait.ts', 'Hello!')).toBe('Echo, no model ran: Hello!\n');
});

test('stream.ts prints the answer as it comes, and what it cost', async () => {
  expect(await run('stream.ts', 'Hello!')).toMatch(/^Echo, no model ran: Hello!\n\n[\d.]+ credits\n$/);
});

test('openai-client.ts prints the answer', async () => {
  expect(await run('openai-client.ts', 'Hello!')).toBe('Echo, no model ran: Hello!\n');
});

test('openai-batch.ts prints an answer to each line', async () => {
  expect(await run('openai-batch.ts')).toBe(
    'line-1: Echo, no model ran: Hello!\nline-2: Echo, no model ran: Goodbye!\n',
  );
});

test('batch.ts prints an answer to each prompt', async () => {
  const lines = (await run('batch.ts')).trim().split('\n').sort();
  expect(lines).toEqual([
    expect.stringMatching(/^0: .*It broke on the first day\.$/),
    expect.stringMatching(/^1: .*My daughter loves it!$/),
    expect.stringMatching(/^2: .*As expected\.$/),
  ]);
});

test('submit-once.ts gets the same job when it runs again', async () => {
  const first = await run('submit-once.ts', 'order-1', 'a hat');
  expect(first).toMatch(/^job-\w+ Echo, no model ran: Describe a hat/);
  expect(await run('submit-once.ts', 'order-1', 'a hat')).toBe(first);
});

test('submit-once.ts notices that an order was for something else', async () => {
  await run('submit-once.ts', 'order-2', 'a hat');
  expect(await run('submit-once.ts', 'order-2', 'a coat')).toBe('order-2 was for another product before\n');
});

test('verify-receipt.ts finds the receipt valid, and a forged one not', async () => {
  const printed = await run('verify-receipt.ts');
  expect(printed).toMatch(/✓ attestation signed by \S+, the provider\n/);
  expect(printed).toMatch(
    /The receipt is valid and costs [\d.]+ credits\nWith another price it is not valid\n/,
  );
  expect(printed).toContain('It is for this prompt: true and this result: true\n');
});

test('own-miner.ts runs jobs, and signs its results', async () => {
  const { job_id } = await client.jobs.submit({ prompt: 'Hello!', model: 'shout' });
  await run('own-miner.ts', '1');
  const { result } = await client.jobs.get(job_id);
  const { metadata } = await client.jobs.receipt(job_id);
  expect({ result, signatures: metadata.signatures }).toEqual({
    result: 'HELLO!',
    signatures: [expect.objectContaining({ alg: 'Ed25519' })],
  });
});

test('own-miner.ts streams to who wants that', async () => {
  const { job_id } = await client.jobs.submit({ prompt: 'Hello, you!', model: 'shout', stream: true });
  await run('own-miner.ts', '1');
  const events = await Array.fromAsync(client.jobs.events(job_id));
  const texts = events.flatMap(({ event, data }) => (event === 'chunk' ? [data.text] : []));
  expect(texts).toEqual(['HELLO,', ' YOU!']);
});

test('no example goes untested', () => {
  expect(globSync('*.ts', { cwd: import.meta.dirname, exclude: ['*.test.ts'] })).toHaveLength(8);
});
