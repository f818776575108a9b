import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { verifyReceipt } from '@aitbc/receipts';
import OpenAI from 'openai';
import { expect, inject, test } from 'vitest';
import { MODEL, withMiner } from './network.ts';

const PROGRAM = join(import.meta.dirname, 'llama-server.py');

/** Runs llama.cpp's server, as an owner who lends it would. */
const network = withMiner(async run => {
  const env = { ...process.env, PYTHONPATH: inject('server') };
  const server = spawn(process.env.PYTHON ?? 'python3', [PROGRAM, inject('gguf'), MODEL], { env });
  const [, url = ''] = await run(server, /listening on (http\S+)/);
  return ['--backend', 'openai', '--backend-url', url];
});
const { answer } = network;

test('a server that speaks the API of OpenAI answers a prompt, and its receipt verifies', async () => {
  const { job_id, status, result } = await answer('What is the capital of France? Answer with one sentence.');
  const receipt = await network.client.jobs.receipt(job_id);
  const { valid } = await verifyReceipt(receipt, { keys: await network.client.signingKeys.list() });
  expect({ status, result, valid }).toEqual({
    status: 'completed',
    result: expect.stringContaining('Paris'),
    valid: true,
  });
});

test('parameters and usage go through', async () => {
  const { usage } = await answer('Tell a long story about the sea.', { max_tokens: 12, seed: 7 });
  expect(usage).toMatchObject({ prompt_tokens: expect.any(Number), completion_tokens: 12 });
});

test('a cancelled job leaves the server free for the next', async () => {
  const { client } = network;
  const { job_id } = await client.jobs.submit({
    prompt: 'Write a very long story.',
    model: MODEL,
    params: { max_tokens: 1_500 },
  });
  await expect.poll(async () => (await client.jobs.get(job_id)).status, { timeout: 60_000 }).toBe('running');
  const cancelled = await client.jobs.cancel(job_id);
  const next = await answer('Say hello.');
  expect([cancelled.status, next.status]).toEqual(['cancelled', 'completed']);
});

test('a text is streamed as the server generates it, and the pieces make up the result', async () => {
  const { pieces, result } = await network.stream('Write two sentences about the sea.');
  expect(pieces.length).toBeGreaterThan(3);
  expect(pieces.join('')).toBe(result);
});

test('OpenAI’s client gets JSON of a schema, which the server holds the model to', async () => {
  const openai = new OpenAI({ baseURL: `${network.url}/v1`, apiKey: 'unused' });
  const properties = { city: { type: 'string', maxLength: 30 }, isCapital: { type: 'boolean' } };
  const schema = { type: 'object', properties, required: ['city', 'isCapital'], additionalProperties: false };
  const { choices } = await openai.chat.completions.create({
    ...{ model: MODEL, temperature: 0, max_tokens: 64 },
    messages: [{ role: 'user', content: 'What is the capital of France?' }],
    response_format: { type: 'json_schema', json_schema: { name: 'city', schema, strict: true } },
  });
  const [choice] = choices;
  expect(JSON.parse(choice?.message.content ?? '')).toEqual({
    city: expect.any(String),
    isCapital: expect.any(Boolean),
  });
});

test('what the server refuses is told to the client, with its reason', async () => {
  const { status, error } = await answer('word '.repeat(5_000));
  expect({ status, error }).toEqual({
    status: 'failed',
    error: expect.objectContaining({ error_class: 'refused', engine_code: 'context_length_exceeded' }),
  });
});
