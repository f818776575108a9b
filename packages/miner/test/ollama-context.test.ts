import { expect, test } from 'vitest';
import { ollamaBackend } from '../src/index.ts';
import { type Answer, chunks, generation, json, serve } from './inference-server.ts';
import { rejection } from './rejection.ts';

const NDJSON = 'application/x-ndjson';

const end = (more: object) =>
  `${JSON.stringify({ message: { role: 'assistant', content: 'Yes.' }, done: true, done_reason: 'stop', ...more })}\n`;

interface Fake {
  /** The model's context length. */
  length?: number;
  /** The lines of its model file. */
  parameters?: string;
  /** The context that models are loaded with by default. */
  unasked?: number;
  version?: string;
  answer?: Answer;
}

/** Starts an Ollama with a model, which it loads when needed and then reports the context of. */
async function ollama(fake: Fake = {}) {
  const { length = 131_072, parameters = '', unasked = 4_096, version = '0.12.6' } = fake;
  const { answer = chunks(NDJSON, [end({})]) } = fake;
  let loaded: number | undefined;
  const load =
    (then: Answer): Answer =>
    (response, asked) => {
      const { num_ctx = unasked } = Object(asked.body.options);
      loaded = num_ctx;
      then(response, asked);
    };
  const { url, asked } = await serve({
    '/api/show': json(200, {
      ...{ parameters, capabilities: ['completion', 'tools', 'vision', 'thinking'] },
      model_info: { 'general.architecture': 'llama', 'llama.context_length': length },
    }),
    '/api/ps': (response, request) => {
      const models = loaded === undefined ? [] : [{ name: 'llama3.2:latest', context_length: loaded }];
      json(200, { models })(response, request);
    },
    '/api/tags': json(200, { models: [{ name: 'llama3.2:latest', digest: 'sha256:a80c4f17acd5' }] }),
    '/api/version': json(200, { version }),
    '/api/generate': load(json(200, { done: true, done_reason: 'load' })),
    '/api/chat': load(answer),
  });
  return {
    url,
    asked,
    /** Returns the contexts that chats asked for. */
    sizes: () =>
      asked.filter(({ path }) => path === '/api/chat').map(({ body }) => Object(body.options).num_ctx),
  };
}

const asking = (words: number, params = {}) =>
  generation({ chat: { messages: [{ role: 'user', content: 'word '.repeat(words) }] }, params }).generation;

test('Ollama reports abilities, which are read once for each version of a model', async () => {
  const { url, asked } = await ollama({ length: 32_768 });
  const backend = ollamaBackend({ url });
  const told = { context_length: 32_768, text: true, embeddings: false, tools: true, images: true };
  for (let look = 0; look < 3; look++) {
    const models = await backend.models();
    expect(await backend.abilities?.(models)).toEqual(
      new Map([
        ['llama3.2', told],
        ['llama3.2:latest', told],
      ]),
    );
  }
  expect(asked.filter(({ path }) => path === '/api/show')).toHaveLength(2);
});

test('a short prompt asks for no context', async () => {
  const { url, asked, sizes } = await ollama();
  await ollamaBackend({ url }).generate(asking(20));
  expect(sizes()).toEqual([undefined]);
  expect(asked).toHaveLength(1);
});

test('a long prompt gets the context that it needs, and shorter ones then keep it', async () => {
  const { url, sizes } = await ollama();
  const backend = ollamaBackend({ url });
  await backend.generate(asking(5_000));
  await backend.generate(asking(5_000, { max_tokens: 20_000 }));
  await backend.generate(asking(20));
  expect(sizes()).toEqual([16_384, 32_768, 32_768]);
});

test('a prompt that fits the default context asks for none', async () => {
  const { url, sizes } = await ollama({ unasked: 32_768 });
  await ollamaBackend({ url }).generate(asking(5_000));
  expect(sizes()).toEqual([undefined]);
  const byModelFile = await ollama({
    parameters: 'num_ctx                        16384\nstop    "<|eot_id|>"',
  });
  await ollamaBackend({ url: byModelFile.url }).generate(asking(5_000));
  expect(byModelFile.sizes()).toEqual([undefined]);
});

test('no context is larger than the model’s or the owner’s limit', async () => {
  const small = await ollama({ length: 8_192 });
  await ollamaBackend({ url: small.url }).generate(asking(5_000));
  expect(small.sizes()).toEqual([8_192]);
  const { url, sizes } = await ollama();
  await ollamaBackend({ url, contextLimit: () => 10_000 }).generate(asking(5_000));
  expect(sizes()).toEqual([10_000]);
});

const refused = { failureClass: 'refused', code: 'context_length_exceeded' };

test('a prompt too long for any tokenizer fails before any request', async () => {
  const { url, sizes } = await ollama({ length: 2_048 });
  expect(await rejection(ollamaBackend({ url }).generate(asking(20_000)))).toMatchObject(refused);
  expect(sizes()).toEqual([]);
});

test('a prompt with more tokens than likely gets the largest context that it may need', async () => {
  const error = 'the input length exceeds the context length';
  const answer: Answer = (response, asked) => {
    const fits = Object(asked.body.options).num_ctx > 16_384;
    (fits ? chunks(NDJSON, [end({})]) : json(400, { error }))(response, asked);
  };
  const { url, sizes } = await ollama({ answer });
  expect(await ollamaBackend({ url }).generate(asking(5_000))).toMatchObject({ text: 'Yes.' });
  expect(sizes()).toEqual([16_384, 32_768]);
  const small = await ollama({ answer, length: 16_384 });
  expect(await rejection(ollamaBackend({ url: small.url }).generate(asking(5_000)))).toMatchObject(refused);
});

test.each([
  ['counts what was in the cache too', { prompt_eval_count: 900, prompt_eval_cached_count: 0 }, '0.0.0'],
  ['is of a version that does', { prompt_eval_count: 900 }, '0.11.4'],
  ['has as many as the context holds', { prompt_eval_count: 16_384 }, '0.0.0'],
])('a prompt counts as cut when its token count %s', async (_, counts, version) => {
  const { url } = await ollama({ version, answer: chunks(NDJSON, [end(counts)]) });
  expect(await rejection(ollamaBackend({ url }).generate(asking(5_000)))).toMatchObject({
    ...{ ...refused, message: expect.stringContaining('cut the prompt') },
  });
});

test('a count without cached tokens is left out', async () => {
  const answer = chunks(NDJSON, [end({ prompt_eval_count: 12, eval_count: 2 })]);
  const { url } = await ollama({ version: '0.1.30', answer });
  expect(await ollamaBackend({ url }).generate(asking(5_000))).toMatchObject({
    ...{ text: 'Yes.', usage: { completion_tokens: 2 } },
  });
});

test('a long text to embed gets the context that it needs', async () => {
  const { url, asked } = await serve({ '/api/embed': json(200, { embeddings: [[1, 2]] }) });
  const input = ['word '.repeat(3_000)];
  const { signal } = new AbortController();
  await ollamaBackend({ url }).embed?.({ model: 'nomic-embed-text', input, params: {}, signal });
  const { body } = asked.find(({ path }) => path === '/api/embed') ?? {};
  expect(body).toMatchObject({ truncate: false, options: { num_ctx: 8_192 } });
});
