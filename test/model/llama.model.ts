import { verifyDisclosure, verifyReceipt } from '@aitbc/receipts';
import OpenAI from 'openai';
import { expect, inject, test } from 'vitest';
import { MODEL, withMiner } from './network.ts';

const network = withMiner(async () => ['--gguf', inject('gguf'), '--model', MODEL]);
const { answer } = network;

test('a model answers a prompt', async () => {
  const { status, result } = await answer('What is the capital of France? Answer with one sentence.');
  expect({ status, result }).toEqual({ status: 'completed', result: expect.stringContaining('Paris') });
});

test('the receipt verifies, and fits the prompt and the result that its owner discloses', async () => {
  const prompt = 'Name three colours.';
  const { job_id, salt, result } = await answer(prompt);
  const receipt = await network.client.jobs.receipt(job_id);
  const { valid } = await verifyReceipt(receipt, { keys: await network.client.signingKeys.list() });
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

test('a text is streamed as the model generates it, and the pieces make up the result', async () => {
  const { pieces, result } = await network.stream('Write two sentences about the sea.');
  expect(pieces.length).toBeGreaterThan(3);
  expect(pieces.join('')).toBe(result);
});

test('OpenAI’s client streams a chat’s answer, and is told its usage', async () => {
  const openai = new OpenAI({ baseURL: `${network.url}/v1`, apiKey: 'unused' });
  const stream = await openai.chat.completions.create({
    model: MODEL,
    messages: [{ role: 'user', content: 'Write two sentences about the sea.' }],
    temperature: 0,
    max_tokens: 64,
    stream: true,
    stream_options: { include_usage: true },
  });
  const pieces = await Array.fromAsync(stream);
  const texts = pieces.flatMap(({ choices }) => choices.flatMap(({ delta }) => delta.content || []));
  expect(texts.length).toBeGreaterThan(1);
  expect(texts.join('')).toMatch(/sea|ocean/i);
  expect(pieces.at(-1)?.usage).toMatchObject({ completion_tokens: expect.any(Number) });
});

test('a job that is cancelled in mid-stream stops, and its miner goes on with the next', async () => {
  const cancelled = new AbortController();
  const job = { prompt: 'Write a very long story.', model: MODEL, params: { max_tokens: 3_000 } };
  let pieces = 0;
  const streaming = Array.fromAsync(
    network.client.jobs.stream(job, { signal: cancelled.signal }),
    ({ event }) => event === 'chunk' && ++pieces === 3 && cancelled.abort(new Error('enough')),
  );
  await expect(streaming).rejects.toThrow('enough');
  expect((await answer('Say hello.')).status).toBe('completed');
});

test('a job that is cancelled while it runs frees its miner', async () => {
  const { job_id } = await network.client.jobs.submit({
    prompt: 'Write a very long story.',
    model: MODEL,
    params: { max_tokens: 3_000 },
  });
  await expect
    .poll(async () => (await network.client.jobs.get(job_id)).status, { timeout: 60_000 })
    .toBe('running');
  const cancelled = await network.client.jobs.cancel(job_id);
  const next = await answer('Say hello.');
  expect([cancelled.status, next.status]).toEqual(['cancelled', 'completed']);
});
