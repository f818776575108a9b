import { expect, test } from 'vitest';
import { openAiBackend } from '../src/index.ts';
import { type Answer, chunks, generation, json, serve } from './inference-server.ts';
import { rejection } from './rejection.ts';

const list = (...data: object[]) => json(200, { object: 'list', data });

/** Returns the abilities that a server reports, and the requests to it. */
async function told(answers: Record<string, Answer>) {
  const { url, asked } = await serve(answers);
  const backend = openAiBackend({ url });
  const models = await backend.models();
  const abilities = await backend.abilities?.(models);
  return { abilities: Object.fromEntries(abilities ?? []), paths: asked.map(({ path }) => path).slice(1) };
}

test('vLLM reports the context in its list', async () => {
  const qwen = { id: 'Qwen/Qwen3-8B', object: 'model', created: 1_769_000_000, owned_by: 'vllm' };
  expect(await told({ '/v1/models': list({ ...qwen, max_model_len: 40_960 }) })).toEqual({
    ...{ abilities: { 'Qwen/Qwen3-8B': { context_length: 40_960 } }, paths: [] },
  });
});

const SMOL = { id: 'smollm2', object: 'model', owned_by: 'llamacpp', meta: { n_ctx_train: 8_192 } };

test('llama.cpp’s server reports the context of one slot and its abilities', async () => {
  const props = {
    ...{ default_generation_settings: { id: 0, n_ctx: 4_096, params: {} }, total_slots: 4 },
    ...{ modalities: { vision: false, audio: false }, model_path: '/models/smollm2.gguf' },
    chat_template_caps: { supports_tools: true, supports_tool_calls: false, supports_system_role: true },
  };
  expect(await told({ '/v1/models': list(SMOL), '/props': json(200, props) })).toEqual({
    ...{ abilities: { smollm2: { context_length: 4_096, images: false, tools: true } }, paths: ['/props'] },
  });
});

test('LM Studio reports the kinds and contexts of its models', async () => {
  const entry = (id: string, type: string, more: object = {}) => ({
    ...{ id, object: 'model', type, publisher: 'lmstudio-community', state: 'loaded' },
    ...{ max_context_length: 32_768, ...more },
  });
  const owned = (id: string) => ({ id, object: 'model', owned_by: 'organization_owner' });
  const { abilities } = await told({
    '/v1/models': list(owned('qwen2-vl'), owned('llama-3.1'), owned('nomic')),
    '/api/v0/models': list(
      entry('qwen2-vl', 'vlm'),
      entry('llama-3.1', 'llm', { loaded_context_length: 4_096, capabilities: ['tool_use'] }),
      entry('nomic', 'embeddings', { max_context_length: 2_048 }),
    ),
  });
  expect(abilities).toEqual({
    'qwen2-vl': { context_length: 32_768, text: true, embeddings: false, images: true },
    'llama-3.1': { context_length: 4_096, text: true, embeddings: false, images: false, tools: true },
    nomic: { context_length: 2_048, text: false, embeddings: true, images: false },
  });
});

test('SGLang and TGI report theirs', async () => {
  const sglang = {
    '/v1/models': list({ id: 'm', owned_by: 'sglang', max_model_len: 8_192 }),
    '/get_model_info': json(200, { model_path: 'm', is_generation: false }),
  };
  expect((await told(sglang)).abilities).toEqual({
    m: { context_length: 8_192, text: false, embeddings: true },
  });
  const tgi = {
    '/v1/models': list({ id: 'm', owned_by: 'm' }),
    '/info': json(200, { model_id: 'm', max_input_tokens: 3_000, max_total_tokens: 4_096 }),
  };
  expect((await told(tgi)).abilities).toEqual({ m: { context_length: 4_096 } });
});

test.each([
  ['tells nothing', {}],
  ['answers any path with a page', { '/props': chunks('text/html', ['<h1>It works!</h1>']) }],
  [
    'answers any path with an error',
    { '/props': json(200, { error: 'Unexpected endpoint or method. (GET /props)' }) },
  ],
  [
    'answers with something else',
    { '/props': json(200, { default_generation_settings: [{ n_ctx: 'many' }] }) },
  ],
])('the abilities of a server that %s are unknown', async (_, answers) => {
  expect((await told({ '/v1/models': list({ id: 'm' }), ...answers })).abilities).toEqual({});
});

const answer = chunks('text/event-stream', [
  `data: ${JSON.stringify({ choices: [{ delta: { content: 'Yes.' }, finish_reason: 'stop' }] })}\n\ndata: [DONE]\n\n`,
]);

const asking = (words: number) =>
  generation({ model: 'm', chat: { messages: [{ role: 'user', content: 'word '.repeat(words) }] } })
    .generation;

/** Starts a server for a model with a context of 4,096 tokens, and collects its requests. */
async function counting(answers: Record<string, Answer>, limit?: number) {
  const { url, asked } = await serve({
    '/v1/models': list({ id: 'm', owned_by: 'vllm', max_model_len: 4_096 }),
    '/v1/chat/completions': answer,
    ...answers,
  });
  const backend = openAiBackend({ url, contextLimit: () => limit });
  await backend.abilities?.(await backend.models());
  return { backend, paths: () => asked.map(({ path }) => path).slice(1), asked };
}

const refused = { failureClass: 'refused', code: 'context_length_exceeded' };

test('a prompt that may be too long is counted first, and a short one is not', async () => {
  const { backend, paths, asked } = await counting({
    '/tokenize': json(200, { count: 4_100, max_model_len: 4_096, tokens: [] }),
  });
  expect(await backend.generate(asking(100))).toMatchObject({ text: 'Yes.' });
  expect(paths()).toEqual(['/v1/chat/completions']);
  expect(await rejection(backend.generate(asking(1_000)))).toMatchObject({
    ...{ ...refused, message: expect.stringContaining('4100 tokens') },
  });
  expect(asked.at(-1)?.body).toMatchObject({
    model: 'm',
    messages: [{ role: 'user' }],
    add_generation_prompt: true,
  });
});

test('llama.cpp’s server counts the rendered conversation', async () => {
  const { backend, asked } = await counting({
    '/apply-template': json(200, { prompt: '<|im_start|>user …' }),
    '/tokenize': json(200, { tokens: Array.from({ length: 4_096 }, (_, index) => index) }),
  });
  expect(await rejection(backend.generate(asking(1_000)))).toMatchObject(refused);
  expect(asked.at(-1)?.body).toEqual({
    content: '<|im_start|>user …',
    add_special: true,
    parse_special: true,
  });
});

test('without a count the engine reports what is too long', async () => {
  const { backend, paths } = await counting({});
  await backend.generate(asking(1_000));
  await backend.generate(asking(1_000));
  expect(paths().filter(path => path === '/tokenize')).toHaveLength(1);
  expect(paths().filter(path => path === '/v1/chat/completions')).toHaveLength(2);
});

test('a prompt too long for any tokenizer fails without a request, by the owner’s limit too', async () => {
  const { backend, paths } = await counting({});
  expect(await rejection(backend.generate(asking(20_000)))).toMatchObject(refused);
  const less = await counting({}, 512);
  expect(await rejection(less.backend.generate(asking(3_000)))).toMatchObject(refused);
  expect([...paths(), ...less.paths()]).toEqual([]);
});
