import { createHash } from 'node:crypto';
import { appendFile, mkdtemp, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobParams, MinerModel, Receipt } from '@aitbc/protocol';
import { canonicalJson, textHash, verifyReceipt } from '@aitbc/receipts';
import { expect, test } from 'vitest';
import { hashModel, readGguf } from '../src/gguf.ts';
import { type Backend, claimedPassports, ollamaBackend, openAiBackend } from '../src/index.ts';
import { pinParameters, seedOf } from '../src/sampling.ts';
import { withCoordinator } from './coordinator.ts';
import { type Answer, chunks, json, serve } from './inference-server.ts';
import { mine } from './mining.ts';

const coordinator = withCoordinator();
const sha256 = (text: string | Uint8Array) => `sha256:${createHash('sha256').update(text).digest('hex')}`;

/** Runs one job at a miner with this backend. */
async function ran(backend: Backend, model: string, params: JobParams = {}) {
  const { client } = coordinator;
  const miner = await mine({ client, backend, models: [model], maxJobs: 1 });
  await miner.when('registered');
  const passport = (await client.miners.get(miner.minerId)).models.find(
    each => each.model === model,
  )?.passport;
  const messages = [{ role: 'user' as const, content: 'Hello' }];
  const { job_id, salt } = await client.jobs.submit({ messages, model, params });
  await miner.done;
  const job = await client.jobs.get(job_id);
  const receipt = await client.receipts.get(job.receipt_id ?? '');
  return { passport, job, salt, receipt };
}

const valuesOf = ({ passport }: Pick<MinerModel, 'passport'>) =>
  Object.fromEntries(
    Object.entries(passport ?? {}).flatMap(([name, member]) =>
      typeof member === 'object' && 'value' in member
        ? [[name, `${member.source}: ${JSON.stringify(member.value)}`]]
        : [],
    ),
  );

async function expectSound(
  { job, salt, receipt }: Awaited<ReturnType<typeof ran>>,
  passport: string | undefined,
) {
  const { inclusion: _, ...bare } = receipt as Receipt & { inclusion?: unknown };
  expect(bare.metadata).toMatchObject({
    passport,
    parameters_hash: textHash(salt, canonicalJson(job.effective_parameters)),
  });
  const keys = await coordinator.client.signingKeys.list();
  expect((await verifyReceipt(bare, { keys })).valid).toBe(true);
}

test('Ollama’s models have the hash of their file, and get all parameters explicitly', async () => {
  const blob = 'c'.repeat(64);
  const { url, asked } = await serve({
    '/api/tags': json(200, { models: [{ name: 'qwen3:8b', digest: 'd'.repeat(64) }] }),
    '/api/ps': json(200, { models: [] }),
    '/api/version': json(200, { version: '0.12.6' }),
    '/api/show': json(200, {
      modelfile: `# Modelfile\nFROM /root/.ollama/models/blobs/sha256-${blob}\nTEMPLATE """{{ .Prompt }}"""\n`,
      template: '{{ .Prompt }}',
      parameters:
        'temperature                    0.6\nstop                           "<|im_end|>"\ntop_k    20',
      details: { quantization_level: 'Q4_K_M' },
      model_info: { 'qwen3.context_length': 40_960 },
      capabilities: ['completion'],
    }),
    '/api/chat': chunks('application/x-ndjson', [
      `${JSON.stringify({ message: { role: 'assistant', content: 'Hi' }, done: true, done_reason: 'stop' })}\n`,
    ]),
  });
  const run = await ran(ollamaBackend({ url }), 'qwen3:8b', { top_p: 0.5, max_tokens: 9 });
  const { passport, job } = run;
  expect(valuesOf({ passport })).toEqual({
    weights: `engine: "sha256:${blob}"`,
    quantization: 'engine: "Q4_K_M"',
    chat_template: `engine: "${sha256('{{ .Prompt }}')}"`,
    engine: 'engine: "ollama"',
    build: 'engine: "0.12.6"',
    context_length: 'engine: 40960',
    sampler: expect.stringContaining('"top_k":20'),
  });
  const pinned = {
    ...{ temperature: 0.6, top_p: 0.5, top_k: 20, min_p: 0 },
    ...{ repeat_penalty: 1.1, presence_penalty: 0, frequency_penalty: 0 },
    seed: seedOf(job.job_id, 1),
  };
  expect(asked.find(({ path }) => path === '/api/chat')?.body.options).toEqual({ ...pinned, num_predict: 9 });
  expect(job.effective_parameters).toEqual({ ...pinned, max_tokens: 9 });
  await expectSound(run, passport?.digest);
});

const event = (body: object) => `data: ${JSON.stringify(body)}\n\n`;
const chat: Answer = chunks('text/event-stream', [
  event({ choices: [{ delta: { content: 'Hi' }, finish_reason: 'stop' }] }),
  'data: [DONE]\n\n',
]);

test('llama.cpp’s server tells its set-up, and the prompt that its template makes', async () => {
  const path = join(await mkdtemp(join(tmpdir(), 'gguf-')), 'smollm2.gguf');
  await writeFile(path, gguf({ 'general.file_type': 7, 'tokenizer.ggml.model': 'gpt2' }));
  const sampler = { temperature: 0.800000011920929, top_k: 40, top_p: 0.949999988079071, min_p: 0.05 };
  const { url, asked } = await serve({
    '/v1/models': json(200, { data: [{ id: 'smollm2', object: 'model', owned_by: 'llamacpp' }] }),
    '/props': json(200, {
      ...{ default_generation_settings: { n_ctx: 4_096, params: { ...sampler, repeat_penalty: 1 } } },
      ...{ model_path: path, chat_template: '{{ messages }}', build_info: 'b6000-abc' },
    }),
    '/apply-template': json(200, { prompt: '<|user|>Hello' }),
    '/v1/chat/completions': chat,
  });
  const run = await ran(openAiBackend({ url }), 'smollm2');
  expect(valuesOf(run)).toEqual({
    weights: `hashed: "${sha256(await readFile(path))}"`,
    quantization: 'hashed: "Q8_0"',
    tokenizer: expect.stringMatching(/^hashed: "sha256:/),
    chat_template: `engine: "${sha256('{{ messages }}')}"`,
    engine: 'engine: "llama.cpp"',
    build: 'engine: "b6000-abc"',
    context_length: 'engine: 4096',
    sampler: 'engine: {"temperature":0.8,"top_p":0.95,"top_k":40,"min_p":0.05,"repeat_penalty":1}',
  });
  const pinned = {
    ...{ temperature: 0.8, top_k: 40, top_p: 0.95, min_p: 0.05, repeat_penalty: 1 },
    seed: seedOf(run.job.job_id, 1),
  };
  expect(asked.find(each => each.path === '/v1/chat/completions')?.body).toMatchObject(pinned);
  expect(run.job.effective_parameters).toEqual(pinned);
  expect(run.receipt.metadata.rendered_prompt_hash).toBe(textHash(run.salt, '<|user|>Hello'));
  await expectSound(run, run.passport?.digest);
});

test('vLLM gets parameters by its own names, and what the owner claims fills its passport', async () => {
  const { url, asked } = await serve({
    '/v1/models': json(200, { data: [{ id: 'org/m', owned_by: 'vllm', max_model_len: 8_192 }] }),
    '/version': json(200, { version: '0.11.0' }),
    '/v1/chat/completions': chat,
  });
  const { client } = coordinator;
  const weights = `hf:org/m@${'e'.repeat(40)}`;
  const claimed = (value: unknown) => ({ value, source: 'claimed' }) as never;
  const passports = new Map([
    [
      'org/m',
      {
        weights: claimed(weights),
        engine: claimed('other'),
        sampler: claimed({ top_k: 0, repeat_penalty: 1.05 }),
      },
    ],
  ]);
  const miner = await mine({ client, backend: openAiBackend({ url }), passports, maxJobs: 1 });
  await miner.when('registered');
  expect(valuesOf((await client.miners.get(miner.minerId)).models[0] ?? {})).toMatchObject({
    ...{ weights: `claimed: "${weights}"`, engine: 'engine: "vllm"', build: 'engine: "0.11.0"' },
  });
  const messages = [{ role: 'user' as const, content: 'Hello' }];
  const { job_id } = await client.jobs.submit({ messages, model: 'org/m', params: { seed: 7 } });
  await miner.done;
  const { body } = asked.find(({ path }) => path === '/v1/chat/completions') ?? {};
  expect(body).toMatchObject({ seed: 7, top_k: -1, repetition_penalty: 1.05 });
  expect(body).not.toHaveProperty('repeat_penalty');
  const { effective_parameters } = await client.jobs.get(job_id);
  expect(effective_parameters).toEqual({ seed: 7, top_k: 0, repeat_penalty: 1.05 });
});

test('a server’s file that is not on this machine is not hashed, and its quantization is the server’s word', async () => {
  const { url } = await serve({
    '/v1/models': json(200, { data: [{ id: 'far', owned_by: 'llamacpp' }] }),
    '/props': json(200, { model_path: '/nowhere/far.gguf', model_ftype: 'Q4_K - Medium', build_info: 'b1' }),
    '/apply-template': json(404, {}),
    '/v1/chat/completions': chat,
  });
  const { passport, receipt } = await ran(openAiBackend({ url }), 'far');
  expect(valuesOf({ passport })).toEqual({
    ...{ quantization: 'engine: "Q4_K_M"', engine: 'engine: "llama.cpp"', build: 'engine: "b1"' },
  });
  expect(receipt.metadata).not.toHaveProperty('rendered_prompt_hash');
});

test('a server that is not known gets nothing that the client did not ask for', async () => {
  const { url, asked } = await serve({
    '/v1/models': json(200, { data: [{ id: 'm', owned_by: 'me' }] }),
    '/v1/chat/completions': chat,
  });
  const { passport, job, receipt } = await ran(openAiBackend({ url }), 'm', { temperature: 0.2, top_k: 5 });
  expect(passport).toBeNull();
  const { body = {} } = asked.find(({ path }) => path === '/v1/chat/completions') ?? {};
  expect(Object.keys(body).sort()).toEqual([
    ...['messages', 'model', 'stream', 'stream_options', 'temperature', 'top_k'],
  ]);
  expect(job.effective_parameters).toEqual({ temperature: 0.2 });
  expect(receipt.metadata).not.toHaveProperty('passport');
});

test('what an owner claims must be what a passport may have', () => {
  const weights = `sha256:${'0'.repeat(64)}`;
  expect(
    claimedPassports({ m: { weights, context_length: 8_192, sampler: { top_p: 0.9 } } }).get('m'),
  ).toEqual({
    weights: { value: weights, source: 'claimed' },
    context_length: { value: 8_192, source: 'claimed' },
    sampler: { value: { top_p: 0.9 }, source: 'claimed' },
  });
  for (const wrong of [
    { weights: 'sha1:0' },
    { gpu: 'fast' },
    { context_length: 0 },
    { sampler: { top_p: 2 } },
  ])
    expect(() => claimedPassports({ m: wrong })).toThrow(
      `The passport of m can not have this ${Object.keys(wrong)[0]}`,
    );
});

test('parameters that a passport could not state are sent and not stated', () => {
  const job = { job_id: 'job-1', attempt: 2, params: { top_k: 2.5, repetition_penalty: 1.2, seed: -1 } };
  const takes = ['temperature', 'top_k', 'repeat_penalty', 'seed'] as const;
  const { params, effective } = pinParameters(job, takes, { temperature: 0.7, top_p: 0.9 });
  // printf 'job-1:2' | sha256sum
  const seed = Number.parseInt(createHash('sha256').update('job-1:2').digest('hex').slice(0, 8), 16) >>> 1;
  expect(params).toEqual({ top_k: 2.5, repetition_penalty: 1.2, temperature: 0.7, seed });
  expect(effective).toEqual({ temperature: 0.7, repeat_penalty: 1.2, seed });
});

test('a GGUF file tells quantization, tokenizer and template, however long its vocabulary is', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gguf-'));
  const path = join(folder, 'model.gguf');
  const tokens = Array.from({ length: 200_000 }, (_, index) => `token ${index}`);
  const entries = {
    'general.file_type': 15,
    'tokenizer.ggml.tokens': tokens,
    'tokenizer.chat_template': '{{ x }}',
  };
  await writeFile(path, gguf({ 'general.name': 'A', ...entries, 'tokenizer.ggml.model': 'gpt2' }));
  const facts = await readGguf(path);
  const own = Buffer.concat([entry('tokenizer.ggml.tokens', tokens), entry('tokenizer.ggml.model', 'gpt2')]);
  expect(facts).toEqual({ quantization: 'Q4_K_M', chatTemplate: '{{ x }}', tokenizer: sha256(own) });

  await writeFile(path, gguf({ 'general.name': 'B' }).subarray(0, 40));
  await expect(readGguf(path)).rejects.toThrow('cut off');
  await writeFile(path, 'a text');
  await expect(readGguf(path)).rejects.toThrow('no GGUF file');
});

test('the hash of a model is kept until one of its files changes', async () => {
  const state = await mkdtemp(join(tmpdir(), 'hashes-'));
  const part = (number: number) => join(state, `m-0000${number}-of-00002.gguf`);
  await writeFile(part(1), 'one');
  await writeFile(part(2), 'two');
  const hash = await hashModel(part(1), state);
  expect(`sha256:${hash}`).toBe(sha256('onetwo'));
  expect(JSON.parse(await readFile(join(state, 'model-hashes.json'), 'utf8'))[part(1)].sha256).toBe(hash);
  await appendFile(part(2), '!');
  expect(`sha256:${await hashModel(part(1), state)}`).toBe(sha256('onetwo!'));
  await rename(part(2), join(state, 'away'));
  await expect(hashModel(part(1), state)).rejects.toThrow('ENOENT');
});

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(bytes.length));
  return Buffer.concat([length, bytes]);
}

function integer(value: number, bytes: 4 | 8): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntLE(value, 0, 4);
  return buffer;
}

/** An entry of the metadata, by the specification of GGUF. */
function entry(key: string, value: number | string | readonly string[]): Buffer {
  const valueBytes =
    typeof value === 'number'
      ? [integer(4, 4), integer(value, 4)]
      : typeof value === 'string'
        ? [integer(8, 4), text(value)]
        : [integer(9, 4), integer(8, 4), integer(value.length, 8), ...value.map(text)];
  return Buffer.concat([text(key), ...valueBytes]);
}

function gguf(entries: Record<string, number | string | readonly string[]>): Buffer {
  const all = Object.entries(entries);
  const head = [Buffer.from('GGUF'), integer(3, 4), integer(0, 8), integer(all.length, 8)];
  return Buffer.concat([...head, ...all.map(([key, value]) => entry(key, value)), Buffer.alloc(64)]);
}
