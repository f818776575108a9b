import { expect, test } from 'vitest';
import { BackendError, ollamaBackend } from '../src/index.ts';
import {
  bytes,
  chunks,
  closedPort,
  endless,
  generation,
  hangUpAfter,
  json,
  serve,
} from './inference-server.ts';
import { rejection } from './rejection.ts';

const NDJSON = 'application/x-ndjson';

/** A line of the answer to `POST /api/generate`. */
const line = (more: object) =>
  `${JSON.stringify({ model: 'llama3.2', created_at: '2026-01-24T15:00:00.123456Z', done: false, ...more })}\n`;

const said = (response: string) => line({ response });

const END = line({
  ...{ response: '', done: true, done_reason: 'stop', context: [128006, 882, 128007] },
  ...{ total_duration: 5_191_566_416, load_duration: 1_154_917, eval_duration: 4_799_921_000 },
  ...{ prompt_eval_count: 26, prompt_eval_duration: 383_809_000, eval_count: 3 },
});

/** An entry of the answer to `GET /api/tags`. */
const tag = (name: string) => ({
  ...{
    name,
    model: name,
    modified_at: '2026-01-20T08:52:19.385Z',
    size: 2_019_393_189,
    digest: 'a80c4f17acd5',
  },
  details: { format: 'gguf', family: 'llama', parameter_size: '3.2B', quantization_level: 'Q4_K_M' },
});

async function ollama(generate: Parameters<typeof serve>[0][string]) {
  const server = await serve({ '/api/generate': generate });
  return { ...server, backend: ollamaBackend({ url: server.url }) };
}

test('models have their installed names, and `latest` ones also a name without tag', async () => {
  const { url } = await serve({
    '/api/tags': json(200, { models: [tag('llama3.2:latest'), tag('qwen3:0.6b')] }),
  });
  expect(await ollamaBackend({ url }).models()).toEqual(['llama3.2', 'llama3.2:latest', 'qwen3:0.6b']);
});

test('loaded models have the same names', async () => {
  const { url } = await serve({ '/api/ps': json(200, { models: [tag('llama3.2:latest')] }) });
  expect(await ollamaBackend({ url }).loaded?.()).toEqual(['llama3.2', 'llama3.2:latest']);
});

test('a text comes piece by piece and is counted by the engine', async () => {
  const { backend } = await ollama(chunks(NDJSON, [said('Because'), said(' of'), said(' air.'), END]));
  const { pieces, generation: asked } = generation();
  expect(await backend.generate(asked)).toEqual({
    text: 'Because of air.',
    finishReason: 'stop',
    usage: { prompt_tokens: 26, completion_tokens: 3 },
  });
  expect(pieces).toEqual(['Because', ' of', ' air.']);
});

test('the network may cut lines and characters anywhere', async () => {
  const { backend } = await ollama(chunks(NDJSON, bytes(said('Blau — 🟦') + said(' 空は青い') + END)));
  expect(await backend.generate(generation().generation)).toMatchObject({ text: 'Blau — 🟦 空は青い' });
});

test('several lines at once are several pieces', async () => {
  const { backend } = await ollama(chunks(NDJSON, [said('a') + said('b') + END]));
  const { pieces, generation: asked } = generation();
  await backend.generate(asked);
  expect(pieces).toEqual(['a', 'b']);
});

test('parameters go where Ollama reads them, except those reserved for the owner', async () => {
  const { backend, asked } = await ollama(chunks(NDJSON, [END]));
  const params = { max_tokens: 9, temperature: 0.5, stop: '\n', seed: 7, num_gpu: 99 };
  const fields = { system: 'Be brief.', raw: true };
  await backend.generate(generation({ params: { ...params, ...fields } }).generation);
  expect(asked[0]).toMatchObject({ method: 'POST', headers: { 'content-type': 'application/json' } });
  expect(asked[0]?.body).toEqual({
    ...{ model: 'llama3.2', prompt: 'Why is the sky blue?', stream: true, ...fields },
    ...{ truncate: false, shift: false },
    options: { num_predict: 9, temperature: 0.5, stop: ['\n'], seed: 7 },
  });
});

test('a key is sent as a bearer token', async () => {
  const { url, asked } = await serve({ '/api/tags': json(200, { models: [] }) });
  await ollamaBackend({ url, key: 'secret' }).models();
  expect(asked[0]?.headers.authorization).toBe('Bearer secret');
});

test.each([
  ['a model that is gone', 404, "model 'llama3.2' not found", { retryable: true, down: true }],
  ['a server with a full queue', 503, 'server busy, please try again', { retryable: true, down: true }],
  ['a runner that crashed', 500, 'llama runner process has terminated', { retryable: true, down: false }],
  [
    'a model that makes no text',
    400,
    '"embedder" does not support generate',
    { retryable: false, down: false },
  ],
  ['a key that is not taken', 401, 'unauthorized', { retryable: true, down: true }],
])('%s is reported in the server’s words', async (_, status, error, kind) => {
  const { backend } = await ollama(json(status, { error }));
  const refusal = await rejection(backend.generate(generation().generation));
  expect(refusal).toBeInstanceOf(BackendError);
  expect(refusal).toMatchObject({ message: `Ollama: ${error}`, ...kind });
});

test('an error in the middle of a text fails the job, which may be tried again', async () => {
  const error = 'an error was encountered while running the model: CUDA error';
  const { backend } = await ollama(chunks(NDJSON, [said('Because'), `${JSON.stringify({ error })}\n`]));
  const failure = await rejection(backend.generate(generation().generation));
  expect(failure).toMatchObject({ message: `Ollama: ${error}`, retryable: true, down: false });
});

test('the connection is closed when a server continues after its error', async () => {
  const { answer, hungUp } = endless(NDJSON, `${JSON.stringify({ error: 'CUDA error' })}\n`);
  const { backend } = await ollama(answer);
  await rejection(backend.generate(generation().generation));
  await hungUp;
});

test.each([
  ['breaks the connection', hangUpAfter(NDJSON, said('Because'))],
  ['ends without a last line', chunks(NDJSON, [said('Because')])],
])('a server that %s in the middle of a text seems to be down', async (_, answer) => {
  const { backend } = await ollama(answer);
  const failure = await rejection(backend.generate(generation().generation));
  expect(failure).toBeInstanceOf(BackendError);
  expect(failure).toMatchObject({ retryable: true, down: true });
});

test('without a server the backend is down, and the error has the address', async () => {
  const url = await closedPort();
  const failure = await rejection(ollamaBackend({ url }).models());
  expect(failure).toMatchObject({
    down: true,
    message: expect.stringContaining(`Ollama does not answer at ${url}`),
  });
});

test('an answer that is not JSON is an error', async () => {
  const { url } = await serve({ '/api/tags': chunks('text/html', ['<h1>It works!</h1>']) });
  expect(await rejection(ollamaBackend({ url }).models())).toMatchObject({
    message: `Ollama at ${url} answered something other than JSON. Is this the right address?`,
  });
});

test('a cancelled generation closes the connection, so that the server stops too', async () => {
  const { answer, hungUp } = endless(NDJSON, said('Because'));
  const { backend } = await ollama(answer);
  const cancelling = new AbortController();
  const reason = new Error('The client changed its mind');
  const onToken = () => cancelling.abort(reason);
  const { signal } = cancelling;
  expect(await rejection(backend.generate(generation({ signal, onToken }).generation))).toBe(reason);
  await hungUp;
});

test('texts are embedded whole or not at all', async () => {
  const vectors = [
    [0.5, -0.25],
    [0, 1],
  ];
  const { url, asked } = await serve({
    '/api/embed': json(200, { model: 'all-minilm', embeddings: vectors, prompt_eval_count: 5 }),
  });
  const { signal } = new AbortController();
  const embedding = {
    model: 'all-minilm',
    input: ['the sea', 'the shore'],
    params: { dimensions: 2 },
    signal,
  };
  expect(await ollamaBackend({ url }).embed?.(embedding)).toEqual({ vectors, usage: { prompt_tokens: 5 } });
  expect(asked[0]?.body).toEqual({
    ...{ model: 'all-minilm', input: ['the sea', 'the shore'], dimensions: 2, truncate: false, options: {} },
  });
});

test('tokens to embed are unsupported', async () => {
  const { url } = await serve({});
  const embedding = { model: 'm', input: [[1, 2]], params: {}, signal: new AbortController().signal };
  const failure = await rejection(ollamaBackend({ url }).embed?.(embedding) ?? Promise.resolve());
  expect(failure).toMatchObject({ failureClass: 'unsupported' });
});

test('an older version embeds by its route of OpenAI’s API', async () => {
  const vectors = [
    [0.5, -0.25],
    [0, 1],
  ];
  const { url, asked } = await serve({
    '/v1/embeddings': json(200, {
      object: 'list',
      data: vectors.map((embedding, index) => ({ object: 'embedding', embedding, index })),
      model: 'all-minilm',
      usage: { prompt_tokens: 5, total_tokens: 5 },
    }),
  });
  const { signal } = new AbortController();
  const input = ['the sea', 'the shore'];
  const embedding = { model: 'all-minilm', input, params: { dimensions: 2 }, signal };
  expect(await ollamaBackend({ url }).embed?.(embedding)).toEqual({ vectors, usage: { prompt_tokens: 5 } });
  expect(asked[1]?.body).toEqual({ model: 'all-minilm', input, encoding_format: 'float', dimensions: 2 });
});

test.each([
  [
    'a model that embeds nothing',
    json(500, { error: { message: 'this model does not support embeddings' } }),
  ],
  ['fewer vectors than texts', json(200, { data: [{ embedding: [1] }] })],
])('%s fails the job', async (_, answer) => {
  const { url } = await serve({ '/v1/embeddings': answer });
  const { signal } = new AbortController();
  const embedding = { model: 'm', input: ['the sea', 'the shore'], params: {}, signal };
  const failure = await rejection(ollamaBackend({ url }).embed?.(embedding) ?? Promise.resolve());
  expect(failure).toMatchObject({ message: expect.stringMatching(/^Ollama: /), down: false });
});

test('a URL may end with a slash, and anything else is an error', async () => {
  const { url } = await serve({ '/api/tags': json(200, { models: [tag('phi4:14b')] }) });
  expect(await ollamaBackend({ url: `${url}/` }).models()).toEqual(['phi4:14b']);
  expect(() => ollamaBackend({ url: 'localhost:11434' })).toThrow('it looks like http://');
});
