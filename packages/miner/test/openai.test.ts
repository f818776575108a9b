import { expect, onTestFinished, test, vi } from 'vitest';
import { BackendError, openAiBackend } from '../src/index.ts';
import {
  type Answer,
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

const SSE = 'text/event-stream';
const CHAT = '/v1/chat/completions';
const PLAIN = '/v1/completions';

const event = (data: object) => `data: ${JSON.stringify(data)}\n\n`;
const DONE = 'data: [DONE]\n\n';

/** An event of a streamed chat. */
const delta = (content: object | string, finish_reason: string | null = null) =>
  event({
    ...{ id: 'chatcmpl-7Qy', object: 'chat.completion.chunk', created: 1_769_266_800, model: 'llama3.2' },
    choices: [{ index: 0, delta: typeof content === 'string' ? { content } : content, finish_reason }],
  });

const ROLE = delta({ role: 'assistant', content: null });
const FINISH = delta({}, 'stop');
const USAGE = event({
  ...{ id: 'chatcmpl-7Qy', object: 'chat.completion.chunk', created: 1_769_266_800, model: 'llama3.2' },
  choices: [],
  usage: { prompt_tokens: 14, completion_tokens: 2, total_tokens: 16 },
});

/** An event of a streamed completion without chat. */
const plain = (text: string, finish_reason: string | null = null) =>
  event({
    id: 'cmpl-3kf',
    object: 'text_completion',
    choices: [{ index: 0, text, finish_reason, logprobs: null }],
  });

const openAiError = (message: string, code: number) => ({
  error: { message, type: 'server_error', param: null, code },
});

async function server(answers: Record<string, Answer>) {
  const served = await serve(answers);
  return { ...served, backend: openAiBackend({ url: served.url }) };
}

test.each(['', '/', '/v1', '/v1/'])('models are listed by a URL that ends with "%s"', async end => {
  const model = { id: 'org/model', object: 'model', created: 1_769_266_800, owned_by: 'vllm' };
  const { url } = await serve({ '/v1/models': json(200, { object: 'list', data: [model] }) });
  expect(await openAiBackend({ url: url + end }).models()).toEqual(['org/model']);
});

test('a text comes piece by piece, and its tokens are counted in the last event', async () => {
  const { backend } = await server({
    [CHAT]: chunks(SSE, [ROLE, delta('Hello'), delta('!'), FINISH, USAGE, DONE]),
  });
  const { pieces, generation: asked } = generation();
  expect(await backend.generate(asked)).toEqual({
    text: 'Hello!',
    finishReason: 'stop',
    usage: { prompt_tokens: 14, completion_tokens: 2 },
  });
  expect(pieces).toEqual(['Hello', '!']);
});

test('the network may cut lines and characters anywhere', async () => {
  const { backend } = await server({
    [CHAT]: chunks(SSE, bytes(delta('Blau — 🟦') + delta(' 空は青い') + FINISH + DONE)),
  });
  expect(await backend.generate(generation().generation)).toMatchObject({ text: 'Blau — 🟦 空は青い' });
});

test('events may have CRLF, comments and no spaces', async () => {
  const stream = `: ping\r\n\r\n${(delta('Hel') + delta('lo') + DONE).replaceAll('data: ', 'data:').replaceAll('\n', '\r\n')}`;
  const { backend } = await server({ [CHAT]: chunks(SSE, bytes(stream)) });
  expect(await backend.generate(generation().generation)).toMatchObject({ text: 'Hello' });
});

test('a server that does not stream answers in one piece', async () => {
  const { backend } = await server({
    [CHAT]: json(200, {
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hello!' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 14, completion_tokens: 2 },
    }),
  });
  const { pieces, generation: asked } = generation();
  expect(await backend.generate(asked)).toEqual({
    text: 'Hello!',
    finishReason: 'stop',
    usage: { prompt_tokens: 14, completion_tokens: 2 },
  });
  expect(pieces).toEqual(['Hello!']);
});

test('the prompt is sent as a chat of one message, without parameters for several answers', async () => {
  const { backend, asked } = await server({ [CHAT]: chunks(SSE, [FINISH, DONE]) });
  await backend.generate(
    generation({ params: { max_tokens: 9, top_k: 40, n: 5, stream: false } }).generation,
  );
  expect(asked[0]?.body).toEqual({
    model: 'llama3.2',
    messages: [{ role: 'user', content: 'Why is the sky blue?' }],
    ...{ max_tokens: 9, top_k: 40, stream: true, stream_options: { include_usage: true } },
  });
});

test('a key is sent as a bearer token', async () => {
  const { url, asked } = await serve({ '/v1/models': json(200, { data: [] }) });
  await openAiBackend({ url, key: 'secret' }).models();
  expect(asked[0]?.headers.authorization).toBe('Bearer secret');
});

test.each([
  ['a server without the route', json(404, { detail: 'Not Found' })],
  ['a model without a chat template', json(400, openAiError('This model has no chat template', 400))],
])('%s gets completions without chat from then on', async (_, refusal) => {
  const { backend, asked } = await server({
    [CHAT]: refusal,
    [PLAIN]: chunks(SSE, [plain('Blue'), plain('.', 'stop'), DONE]),
  });
  expect(await backend.generate(generation().generation)).toMatchObject({ text: 'Blue.' });
  await backend.generate(generation().generation);
  expect(asked.map(({ path }) => path)).toEqual([CHAT, PLAIN, PLAIN]);
  expect(asked[1]?.body).toMatchObject({ prompt: 'Why is the sky blue?' });
});

test('a raw prompt is completed, or answered as a chat when the server can not complete', async () => {
  const raw = () => generation({ params: { raw: true } }).generation;
  const both = await server({ [PLAIN]: chunks(SSE, [plain(' Blue.', 'stop'), DONE]) });
  const chatOnly = await server({ [CHAT]: chunks(SSE, [delta('Blue.'), FINISH, DONE]) });
  expect(await both.backend.generate(raw())).toMatchObject({ text: ' Blue.' });
  expect(await chatOnly.backend.generate(raw())).toMatchObject({ text: 'Blue.' });
  expect([both, chatOnly].map(({ asked }) => asked.map(({ path }) => path))).toEqual([
    [PLAIN],
    [PLAIN, CHAT],
  ]);
  expect(both.asked[0]?.body).not.toHaveProperty('raw');
});

test.each([
  [{ logprobs: true, top_logprobs: 3 }, { logprobs: 3 }],
  [{ logprobs: true }, { logprobs: 0 }],
  [{ logprobs: 2 }, { logprobs: 2 }],
  [{ logprobs: false, top_logprobs: 3 }, {}],
])('for a completion, %j is converted for the older route', async (asking, expected) => {
  const columns = {
    tokens: [' Blue', '.'],
    token_logprobs: [-0.5, -1],
    top_logprobs: [{ ' Blue': -0.5, ' Red': -2 }, null],
    text_offset: [0, 5],
  };
  const choice = { index: 0, text: ' Blue.', finish_reason: 'stop', logprobs: columns };
  const { backend, asked } = await server({
    [PLAIN]: chunks(SSE, [`data: ${JSON.stringify({ choices: [choice] })}\n\n`, DONE]),
  });
  const { logprobs } = await backend.generate(generation({ params: { raw: true, ...asking } }).generation);
  expect(asked[0]?.body).toEqual({
    ...{ model: 'llama3.2', prompt: 'Why is the sky blue?', stream: true },
    ...{ stream_options: { include_usage: true }, ...expected },
  });
  expect(logprobs).toEqual([
    {
      ...{ token: ' Blue', logprob: -0.5 },
      top_logprobs: [
        { token: ' Blue', logprob: -0.5 },
        { token: ' Red', logprob: -2 },
      ],
    },
    { token: '.', logprob: -1, top_logprobs: [] },
  ]);
});

test('a server with neither route reports the chat’s error, one that rejects the completion reports that', async () => {
  const neither = await server({});
  const refusal = await rejection(neither.backend.generate(generation().generation));
  expect(refusal).toMatchObject({
    message: 'The server: 404 page not found',
    failureClass: 'unsupported',
    down: false,
  });
  const { backend } = await server({ [PLAIN]: json(400, openAiError('The prompt is too long', 400)) });
  const reason = await rejection(backend.generate(generation().generation));
  expect(reason).toMatchObject({ message: 'The server: The prompt is too long', retryable: false });
});

test.each([
  ['a model that is gone', 404, 'The model `llama3.2` does not exist.', { retryable: true, down: true }],
  ['a server that still loads', 503, 'Loading model', { retryable: true, down: true }],
  ['a server with too much to do', 429, 'Rate limit reached', { retryable: true, down: false }],
  ['a server that broke', 500, 'Internal error', { retryable: true, down: false }],
  [
    'a prompt that is too long',
    400,
    'The request exceeds the context size',
    { retryable: false, down: false },
  ],
  ['a key that is not taken', 401, 'Invalid API Key', { retryable: true, down: true }],
])('%s is reported in the server’s words', async (_, status, message, kind) => {
  const { backend } = await server({ [CHAT]: json(status, openAiError(message, status)) });
  const refusal = await rejection(backend.generate(generation().generation));
  expect(refusal).toBeInstanceOf(BackendError);
  expect(refusal).toMatchObject({ message: `The server: ${message}`, ...kind });
});

test('an error in the middle of a text fails the job, which may be tried again', async () => {
  const { backend } = await server({
    [CHAT]: chunks(SSE, [delta('Hel'), event(openAiError('CUDA out of memory', 500)), DONE]),
  });
  const failure = await rejection(backend.generate(generation().generation));
  expect(failure).toMatchObject({ message: 'The server: CUDA out of memory', retryable: true, down: false });
});

test('an error with a success status is an error', async () => {
  const { backend } = await server({ [CHAT]: json(200, { error: 'Unexpected endpoint or method' }) });
  const failure = await rejection(backend.generate(generation().generation));
  expect(failure).toMatchObject({
    message: 'The server: Unexpected endpoint or method',
    failureClass: 'unsupported',
  });
});

test.each([
  ['breaks the connection', hangUpAfter(SSE, delta('Hel'))],
  ['ends before the text does', chunks(SSE, [delta('Hel')])],
])('a server that %s seems to be down', async (_, answer) => {
  const { backend } = await server({ [CHAT]: answer });
  const failure = await rejection(backend.generate(generation().generation));
  expect(failure).toBeInstanceOf(BackendError);
  expect(failure).toMatchObject({ retryable: true, down: true });
});

test('after the last event the server need not close the connection', async () => {
  const { answer, hungUp } = endless(SSE, delta('Hello') + FINISH + DONE);
  const { backend } = await server({ [CHAT]: answer });
  expect(await backend.generate(generation().generation)).toMatchObject({ text: 'Hello' });
  await hungUp;
});

test('a finished text counts without [DONE]', async () => {
  const { backend } = await server({ [CHAT]: chunks(SSE, [delta('Hello'), FINISH]) });
  expect(await backend.generate(generation().generation)).toMatchObject({ text: 'Hello' });
});

test('without a server the backend is down, and the error has the address', async () => {
  const url = await closedPort();
  const failure = await rejection(openAiBackend({ url }).models());
  expect(failure).toMatchObject({
    down: true,
    message: expect.stringContaining(`does not answer at ${url}`),
  });
});

test('a cancelled generation closes the connection, so that the server stops too', async () => {
  const { answer, hungUp } = endless(SSE, delta('Hel'));
  const { backend } = await server({ [CHAT]: answer });
  const cancelling = new AbortController();
  const reason = new Error('The client changed its mind');
  const onToken = () => cancelling.abort(reason);
  const { signal } = cancelling;
  expect(await rejection(backend.generate(generation({ signal, onToken }).generation))).toBe(reason);
  await hungUp;
});

test('texts are embedded in one request', async () => {
  const data = [0.5, -1].map((value, index) => ({ object: 'embedding', index, embedding: [value] }));
  const usage = { prompt_tokens: 2, total_tokens: 2 };
  const { backend, asked } = await server({
    '/v1/embeddings': json(200, { object: 'list', data, usage }),
  });
  const { signal } = new AbortController();
  const embedding = { model: 'nomic', input: ['a', 'b'], params: {}, signal };
  expect(await backend.embed?.(embedding)).toEqual({ vectors: [[0.5], [-1]], usage: { prompt_tokens: 2 } });
  expect(asked[0]?.body).toEqual({ model: 'nomic', input: ['a', 'b'], encoding_format: 'float' });
});

test('a conversation is sent with its tools, and streamed calls are assembled', async () => {
  const part = (more: object) => delta({ tool_calls: [{ index: 0, ...more }] });
  const { backend, asked } = await server({
    [CHAT]: chunks(SSE, [
      part({ id: 'call_7', type: 'function', function: { name: 'weather', arguments: '{"city":' } }),
      part({ function: { arguments: '"Rome"}' } }),
      delta({}, 'tool_calls'),
      DONE,
    ]),
  });
  const chat = {
    messages: [{ role: 'user' as const, content: 'Rain?' }],
    tools: [{ type: 'function' as const, function: { name: 'weather' } }],
  };
  expect(await backend.generate(generation({ chat }).generation)).toEqual({
    text: '',
    toolCalls: [
      { id: 'call_7', type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } },
    ],
    finishReason: 'tool_calls',
  });
  expect(asked[0]?.body).toMatchObject(chat);
});

test('a shortened call id becomes the engine’s own again when the conversation continues', async () => {
  const long = `call_7__thought__${'A'.repeat(400)}`;
  const called = { index: 0, id: long, type: 'function', function: { name: 'weather', arguments: '{}' } };
  const { backend, asked } = await server({
    [CHAT]: chunks(SSE, [delta({ tool_calls: [called] }), delta({}, 'tool_calls'), DONE]),
  });
  const user = { role: 'user' as const, content: 'Rain?' };
  const { toolCalls = [] } = await backend.generate(generation({ chat: { messages: [user] } }).generation);
  const id = toolCalls[0]?.id ?? '';
  expect(id).toMatch(/^call_[0-9a-f]{32}$/);
  const messages = [
    user,
    { role: 'assistant' as const, content: null, tool_calls: toolCalls },
    { role: 'tool' as const, tool_call_id: id, content: 'No' },
  ];
  await backend.generate(generation({ chat: { messages } }).generation);
  expect(asked[1]?.body.messages).toMatchObject([
    user,
    { tool_calls: [{ id: long }] },
    { tool_call_id: long },
  ]);
});

test('a server that does not list its models within 10 s is an error', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const asking = Promise.withResolvers<void>();
  const { backend } = await server({ '/v1/models': () => asking.resolve() });
  const failure = rejection(backend.models());
  await asking.promise;
  vi.advanceTimersByTime(10_000);
  expect(await failure).toMatchObject({
    down: true,
    message: expect.stringMatching(/did not answer GET \/v1\/models within 10 s$/),
  });
});

test('tokens to embed are sent as they are, and rejected tokens are unsupported', async () => {
  const { signal } = new AbortController();
  const embedding = { model: 'nomic', input: [[1, 2], [3]], params: {}, signal };
  const takes = await server({
    '/v1/embeddings': json(200, {
      data: [
        { index: 1, embedding: [2] },
        { index: 0, embedding: [1] },
      ],
    }),
  });
  expect(await takes.backend.embed?.(embedding)).toEqual({ vectors: [[1], [2]] });
  expect(takes.asked[0]?.body).toMatchObject({ input: [[1, 2], [3]] });
  const { backend } = await server({ '/v1/embeddings': json(400, openAiError('invalid input type', 400)) });
  expect(await rejection(backend.embed?.(embedding) as Promise<unknown>)).toMatchObject({
    failureClass: 'unsupported',
  });
});
