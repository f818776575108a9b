import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { verifyDisclosure, verifyReceipt } from '@aitbc/receipts';
import { CoordinatorClient } from '@aitbc/sdk';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';

const AITBC = join(import.meta.dirname, '../../packages/cli/bin/aitbc.mjs');
const MODEL = 'smollm2';

const stops: (() => Promise<void>)[] = [];
let client: CoordinatorClient;

/** Runs `aitbc` where node-llama-cpp is installed, until the tests are over. Resolves with the line that matches. */
async function aitbc(argv: readonly string[], expected: RegExp): Promise<RegExpExecArray> {
  const child = spawn(process.execPath, [AITBC, ...argv], {
    cwd: inject('engine'),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  stops.unshift(async () => {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
  });
  const told: string[] = [];
  const found = Promise.withResolvers<RegExpExecArray>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', line => {
      told.push(line);
      const match = expected.exec(line);
      if (match) found.resolve(match);
    });
  }
  child.once('exit', code => found.reject(new Error(`aitbc exited with ${code}:\n${told.join('\n')}`)));
  return await found.promise;
}

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'aitbc-model-'));
  stops.push(() => rm(folder, { recursive: true }));
  const [, url = ''] = await aitbc(
    ['serve', '--port', '0', '--data', join(folder, 'data')],
    /listens on (http:\S+),/,
  );
  client = new CoordinatorClient(url);
  await aitbc(
    [
      ...['miner', '--coordinator', url, '--state', join(folder, 'miner'), '--concurrency', '2'],
      ...['--gguf', inject('gguf'), '--model', MODEL],
    ],
    /Waiting for jobs/,
  );
});

afterAll(async () => {
  for (const stop of stops) await stop();
});

async function answer(prompt: string, params = {}) {
  const { job_id } = await client.submitJob(prompt, MODEL, { temperature: 0, max_tokens: 64, ...params });
  return await client.waitForJob(job_id, { timeout: 110_000 });
}

test('a model answers a prompt', async () => {
  const { status, result } = await answer('What is the capital of France? Answer with one sentence.');
  expect({ status, result }).toEqual({ status: 'completed', result: expect.stringContaining('Paris') });
});

test('the receipt verifies, and fits the prompt and the result that its owner discloses', async () => {
  const prompt = 'Name three colours.';
  const { job_id, salt, result } = await answer(prompt);
  const receipt = await client.jobReceipt(job_id);
  const { valid } = await verifyReceipt(receipt, { keys: await client.keys() });
  const disclosed = verifyDisclosure({ receipt, salt, prompt, result: result ?? '' });
  expect({ valid, disclosed, signedBy: Object.keys(receipt.metadata.signatures ?? {}).length }).toEqual({
    valid: true,
    disclosed: { prompt: true, result: true },
    signedBy: 1,
  });
});

test('max_tokens bounds what is generated, as the usage tells', async () => {
  const { usage } = await answer('Tell a long story about the sea.', { max_tokens: 12 });
  expect(usage).toMatchObject({ prompt_tokens: expect.any(Number), completion_tokens: 12 });
});

test('prompts in any script go in and come out whole', async () => {
  const { status, result } = await answer('Translate to English: „Grüße aus Köln – 你好 👋“', {
    max_tokens: 32,
  });
  expect({ status, isWellFormed: result?.isWellFormed(), isEmpty: result === '' }).toEqual({
    status: 'completed',
    isWellFormed: true,
    isEmpty: false,
  });
});

test('two texts are generated at once, neither mixed into the other', async () => {
  const [first, second] = await Promise.all([
    answer('Count from one to ten.'),
    answer('Write one sentence about the moon.'),
  ]);
  expect([first?.result === second?.result, second?.result]).toEqual([false, expect.stringMatching(/moon/i)]);
});

test('a job that is cancelled while it runs frees its miner', async () => {
  const { job_id } = await client.submitJob('Write a very long story.', MODEL, { max_tokens: 3_000 });
  await expect.poll(async () => (await client.getJob(job_id)).status, { timeout: 60_000 }).toBe('running');
  const cancelled = await client.cancelJob(job_id);
  const next = await answer('Say hello.');
  expect([cancelled.status, next.status]).toEqual(['cancelled', 'completed']);
});
