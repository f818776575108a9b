import { setImmediate } from 'node:timers/promises';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { createOpenRouter } from '@openrouter/ai-sdk-provider';
import { APICallError, generateText, jsonSchema, Output, stepCountIs, streamText, tool } from 'ai';
import OpenAI from 'openai';
import { beforeAll, expect, test } from 'vitest';
import { echoBackend, type Generated, type Generation, openAiBackend } from '../src/index.ts';
import { withCoordinator } from './coordinator.ts';
import { chunks, endless, json, serve } from './inference-server.ts';
import { mine } from './mining.ts';

const coordinator = withCoordinator({ leaseSeconds: 1_200, jobTimeoutSeconds: 3_600 });
const messages = [{ role: 'user' as const, content: 'Hello, you!' }];
const ECHO = 'Echo, no model ran: Hello, you!';

let openai: OpenAI;

beforeAll(() => {
  openai = new OpenAI({ baseURL: `${coordinator.url}/v1`, apiKey: 'unused' });
});

/** Starts an echo miner with a model name of the test's own. */
async function echoed(model: string) {
  const miner = await mine({ client: coordinator.client, backend: echoBackend({ models: [model] }) });
  await miner.when('registered');
  return model;
}

test('OpenAI’s client gets a chat’s answer in one piece', async () => {
  const model = await echoed('whole');
  const { choices, usage } = await openai.chat.completions.create({ model, messages });
  expect(choices).toMatchObject([{ message: { role: 'assistant', content: ECHO }, finish_reason: 'stop' }]);
  expect(usage).toMatchObject({ completion_tokens: 6 });
});

test('OpenAI’s client gets a chat’s answer in pieces, and the usage last', async () => {
  const model = await echoed('pieces');
  const stream = await openai.chat.completions.create({
    model,
    messages,
    stream: true,
    stream_options: { include_usage: true },
  });
  const pieces = await Array.fromAsync(stream);
  const choices = pieces.flatMap(piece => piece.choices);
  expect(choices.map(({ delta }) => delta.content ?? '').join('')).toBe(ECHO);
  expect(choices.at(-1)?.finish_reason).toBe('stop');
  expect(pieces.at(-1)?.usage).toMatchObject({ completion_tokens: 6 });
});

test('OpenAI’s client completes a text, in one piece and in pieces', async () => {
  const model = await echoed('completions');
  const asked = { model, prompt: 'Hello, you!' };
  const whole = await openai.completions.create(asked);
  const pieces = await Array.fromAsync(await openai.completions.create({ ...asked, stream: true }));
  const texts = [[whole], pieces].map(answers =>
    answers.flatMap(({ choices }) => choices.map(({ text }) => text)).join(''),
  );
  expect(texts).toEqual([ECHO, ECHO]);
});

test('OpenAI’s client gets the same embeddings as base64, its default, and as numbers', async () => {
  const model = await echoed('embeddings');
  const input = ['sea', 'shore'];
  const [coded, plain] = await Promise.all([
    openai.embeddings.create({ model, input }),
    openai.embeddings.create({ model, input, encoding_format: 'float' }),
  ]);
  expect(coded.data).toEqual(plain.data);
  expect(coded.data.map(({ embedding }) => embedding.length)).toEqual([32, 32]);
});

test('OpenAI’s client lists the models that miners offer', async () => {
  const model = await echoed('listed');
  const models = await Array.fromAsync(openai.models.list());
  expect(models).toContainEqual(expect.objectContaining({ id: model, object: 'model' }));
});

test('OpenAI’s client gets NotFoundError for an unknown model', async () => {
  const refused = openai.chat.completions.create({ model: 'nobody', messages }).catch(error => error);
  expect(await refused).toBeInstanceOf(OpenAI.NotFoundError);
  expect(await refused).toMatchObject({ status: 404, code: 'model_not_found', param: 'model' });
});

test.each([true, false])(
  'OpenAI’s client that is gone stops the model within a second, with stream: %s',
  async stream => {
    const model = `gone-${stream}`;
    const asked = Promise.withResolvers<void>();
    const piece = `data: ${JSON.stringify({ choices: [{ delta: { content: 'Once upon ' } }] })}\n\n`;
    const { answer, hungUp } = endless('text/event-stream', piece);
    const { url } = await serve({
      '/v1/models': json(200, { data: [{ id: model }] }),
      '/v1/chat/completions': (response, request) => {
        answer(response, request);
        asked.resolve();
      },
    });
    const miner = await mine({ client: coordinator.client, backend: openAiBackend({ url }) });
    await miner.when('registered');
    const gone = new AbortController();
    const request = openai.chat.completions.create({ model, messages, stream }, { signal: gone.signal });
    const told = stream ? request.then(begun) : asked.promise;
    request.catch(() => {});
    await told;
    gone.abort();
    await within(1_000, hungUp);
    const { job_id } = await miner.when('job_stopped');
    expect((await coordinator.client.jobs.get(job_id)).status).toBe('cancelled');
  },
);

/** Resolves with the first piece of a stream. */
const begun = (stream: unknown) => (stream as AsyncIterable<unknown>)[Symbol.asyncIterator]().next();

/** Rejects when it takes longer than this many milliseconds. */
async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  const late = new Promise<never>((_, reject) =>
    AbortSignal.timeout(ms).addEventListener('abort', () => reject(new Error(`Not within ${ms} ms`))),
  );
  await Promise.race([promise, late]);
}

test('of 200 streams at once, each client gets its own text, whole and in order', async () => {
  const client = coordinator.client;
  const backend = { ...echoBackend({ models: ['many'] }), generate: countUp };
  const miner = await mine({ client, backend, concurrency: 200 });
  await miner.when('registered');
  const read = async (name: string) => {
    const asked = { model: 'many', messages: [{ role: 'user' as const, content: name }] };
    const pieces = await Array.fromAsync(await openai.chat.completions.create({ ...asked, stream: true }));
    const choices = pieces.flatMap(({ choices }) => choices);
    expect(choices.at(-1)?.finish_reason).toBe('stop');
    return choices.map(({ delta }) => delta.content ?? '').join('');
  };
  const names = Array.from({ length: 200 }, (_, index) => `stream-${index}`);
  expect(await Promise.all(names.map(read))).toEqual(names.map(name => counted(name).join('')));
});

const counted = (name: string) => Array.from({ length: 30 }, (_, index) => `${name}/${index} `);

/** Counts after the user's text, and yields to others before each number. */
async function countUp({ chat, onToken }: Generation): Promise<Generated> {
  const pieces = counted(String(chat?.messages[0]?.content));
  for (const piece of pieces) {
    await setImmediate();
    onToken?.(piece);
  }
  return { text: pieces.join(''), finishReason: 'stop' };
}

test('OpenAI’s client gets an error for unsupported features', async () => {
  const refused = openai.responses.create({ model: 'm', input: 'Hello' });
  await expect(refused).rejects.toMatchObject({
    status: 404,
    code: 'unknown_url',
    message: expect.stringContaining('There is no POST /v1/responses'),
  });
});

test('OpenAI’s client must send a valid key if it sends a coordinator’s key at all', async () => {
  const mistaken = new OpenAI({ baseURL: `${coordinator.url}/v1`, apiKey: 'aitbc_mistaken' });
  await expect(mistaken.models.list()).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
});

const keyed = withCoordinator({ mode: 'keyed' });

test('OpenAI’s client gets AuthenticationError for a wrong key', async () => {
  const { secret } = await keyed.key('client');
  const baseURL = `${keyed.url}/v1`;
  const listing = await Array.fromAsync(new OpenAI({ baseURL, apiKey: secret }).models.list());
  const refused = new OpenAI({ baseURL, apiKey: 'wrong' }).chat.completions.create({ model: 'm', messages });
  expect(listing).toEqual([]);
  await expect(refused).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
});

const WEATHER = {
  name: 'get_weather',
  description: 'The weather in a city',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};

/** Starts a miner whose server answers with these deltas. Resolves with the requests to the server. */
async function answering(model: string, deltas: readonly object[], finish_reason = 'stop') {
  const events = [
    ...deltas.map(delta => ({ choices: [{ delta }] })),
    { choices: [{ delta: {}, finish_reason }] },
  ];
  const { url, asked } = await serve({
    '/v1/models': json(200, { data: [{ id: model }] }),
    '/v1/chat/completions': chunks(
      'text/event-stream',
      [...events.map(event => JSON.stringify(event)), '[DONE]'].map(data => `data: ${data}\n\n`),
    ),
  });
  const miner = await mine({ client: coordinator.client, backend: openAiBackend({ url }) });
  await miner.when('registered');
  return () => asked.findLast(({ path }) => path === '/v1/chat/completions')?.body;
}

/** A call as servers stream it, its arguments in pieces. */
const CALLED = [
  {
    tool_calls: [
      { index: 0, id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '' } },
    ],
  },
  { tool_calls: [{ index: 0, function: { arguments: '{"city":' } }] },
  { tool_calls: [{ index: 0, function: { arguments: '"Paris"}' } }] },
];

test('OpenAI’s client has a tool called, in one piece and in pieces', async () => {
  const asked = await answering('tools', CALLED, 'tool_calls');
  const tools = [{ type: 'function' as const, function: WEATHER }];
  const request = {
    model: 'tools',
    messages,
    tools,
    tool_choice: 'required',
    parallel_tool_calls: false,
  } as const;
  const whole = await openai.chat.completions.create(request);
  const streamed = await openai.chat.completions.stream(request).finalChatCompletion();
  expect(asked()).toMatchObject({ tools, tool_choice: 'required', parallel_tool_calls: false });
  for (const { choices } of [whole, streamed]) {
    const called = { id: 'call_1', function: { name: 'get_weather', arguments: '{"city":"Paris"}' } };
    expect(choices).toMatchObject([
      { finish_reason: 'tool_calls', message: { content: null, tool_calls: [called] } },
    ]);
  }
});

test('the AI SDK calls a tool and continues with its result', async () => {
  const asked = await answering('ai-sdk-tools', CALLED, 'tool_calls');
  const provider = createOpenAICompatible({ name: 'aitbc', baseURL: `${coordinator.url}/v1` });
  const { toolCalls, toolResults } = await generateText({
    model: provider('ai-sdk-tools'),
    prompt: 'What is the weather in Paris?',
    tools: {
      get_weather: tool({
        inputSchema: jsonSchema<{ city: string }>(WEATHER.parameters as never),
        execute: async ({ city }) => `Rain in ${city}`,
      }),
    },
    stopWhen: stepCountIs(2),
  }).then(({ steps: [first] }) => first ?? { toolCalls: [], toolResults: [] });
  expect(toolCalls).toMatchObject([{ toolName: 'get_weather', input: { city: 'Paris' } }]);
  expect(toolResults).toMatchObject([{ output: 'Rain in Paris' }]);
  expect(asked()?.messages).toMatchObject([
    { role: 'user' },
    { role: 'assistant', tool_calls: [{ id: 'call_1' }] },
    { role: 'tool', tool_call_id: 'call_1', content: 'Rain in Paris' },
  ]);
});

test('the AI SDK gets an object that matches a schema', async () => {
  const asked = await answering('objects', [{ content: '{"city":' }, { content: '"Paris"}' }]);
  const supportsStructuredOutputs = true;
  const baseURL = `${coordinator.url}/v1`;
  const provider = createOpenAICompatible({ name: 'aitbc', baseURL, supportsStructuredOutputs });
  const { output } = await generateText({
    model: provider('objects'),
    prompt: 'What is the capital of France?',
    output: Output.object({ schema: jsonSchema<{ city: string }>(WEATHER.parameters as never) }),
  });
  expect(output).toEqual({ city: 'Paris' });
  expect(asked()?.response_format).toMatchObject({ json_schema: { schema: { required: ['city'] } } });
});

test('an engine gets the client’s own schema, in its order and with its numbers', async () => {
  const { url, asked } = await serve({
    '/v1/models': json(200, { data: [{ id: 'own-order' }] }),
    '/v1/chat/completions': json(200, { choices: [{ message: { content: '{}' }, finish_reason: 'stop' }] }),
  });
  const miner = await mine({ client: coordinator.client, backend: openAiBackend({ url }) });
  await miner.when('registered');
  const schema = '{"properties":{"zeta":{},"10":{"minimum":1.0},"2":{},"alpha":{}},"type":"object"}';
  const format = `{"type":"json_schema","json_schema":{"name":"x","schema":${schema}}}`;
  const body = `{"model":"own-order","messages":[{"role":"user","content":"x"}],"response_format":${format},"guided_json":${schema}}`;
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${coordinator.url}/v1/chat/completions`, { method: 'POST', headers, body });
  expect(answer.status).toBe(200);
  const sent = asked.find(({ path }) => path === '/v1/chat/completions')?.text;
  expect(sent).toContain(`"response_format":${format}`);
  expect(sent).toContain(`"guided_json":${schema}`);
});

test('the AI SDK gets a text, in one piece and in pieces', async () => {
  const name = await echoed('ai-sdk');
  const provider = createOpenAICompatible({ name: 'aitbc', baseURL: `${coordinator.url}/v1` });
  const asked = { model: provider(name), prompt: 'Hello, you!' };
  const whole = await generateText(asked);
  const stream = streamText(asked);
  const pieces = await Array.fromAsync(stream.textStream);
  expect([whole.text, pieces.join('')]).toEqual([ECHO, ECHO]);
  expect([whole.finishReason, await stream.finishReason]).toEqual(['stop', 'stop']);
});

test.each(['chat', 'completion'] as const)(
  'OpenRouter’s client names several models for a %s',
  async kind => {
    const name = await echoed(`openrouter-${kind}`);
    const openrouter = createOpenRouter({ baseURL: `${coordinator.url}/v1`, apiKey: 'unused' });
    const asked = { model: openrouter[kind]('nobody', { models: [name] }), prompt: 'Hello, you!' };
    const { text, finishReason, response } = await generateText(asked);
    expect([finishReason, text]).toEqual(['stop', expect.stringContaining('Hello, you!')]);
    // Of completions, this client names the model that was asked for.
    const named = kind === 'chat' ? name : 'nobody';
    expect(response.modelId).toBe(named);
    const stream = streamText(asked);
    expect((await Array.fromAsync(stream.textStream)).join('')).toBe(text);
    expect((await stream.response).modelId).toBe(named);
  },
);

test('OpenRouter’s client gets the reason if nobody offers any of its models', async () => {
  const openrouter = createOpenRouter({ baseURL: `${coordinator.url}/v1`, apiKey: 'unused' });
  const model = openrouter('nobody', { models: ['no-one'] });
  const error = await generateText({ model, prompt: 'Hello', maxRetries: 0 }).catch(error => error);
  expect(APICallError.isInstance(error) && [error.statusCode, error.message]).toEqual([
    404,
    expect.stringContaining('nobody'),
  ]);
});

/** Uploads a file of chat requests, one for each number. */
async function uploaded(model: string, count: number) {
  const lines = Array.from({ length: count }, (_, at) =>
    JSON.stringify({
      custom_id: `request-${at}`,
      method: 'POST',
      url: '/v1/chat/completions',
      body: { model, messages: [{ role: 'user', content: `Number ${at}` }] },
    }),
  );
  const file = new File([lines.join('\n')], 'requests.jsonl');
  return await openai.files.create({ purpose: 'batch', file });
}

const batched = ({ id }: OpenAI.FileObject) =>
  openai.batches.create({
    input_file_id: id,
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
  });

/** Resolves with the ended batch, running timed work at once. */
async function ended({ id }: OpenAI.Batch): Promise<OpenAI.Batch> {
  for (;;) {
    await coordinator.running.sweep();
    const batch = await openai.batches.retrieve(id);
    if (['completed', 'failed', 'cancelled', 'expired'].includes(batch.status)) return batch;
  }
}

test('OpenAI’s client has a file of requests answered', async () => {
  const model = await echoed('batch');
  const batch = await ended(await batched(await uploaded(model, 20)));
  const content = await openai.files.content(batch.output_file_id ?? '');
  const answers = (await content.text())
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line));
  expect(batch).toMatchObject({
    status: 'completed',
    error_file_id: null,
    request_counts: { total: 20, completed: 20, failed: 0 },
  });
  expect(
    answers.map(({ custom_id, response }) => [custom_id, response.body.choices[0].message.content]),
  ).toEqual(Array.from({ length: 20 }, (_, at) => [`request-${at}`, `Echo, no model ran: Number ${at}`]));
});

test('OpenAI’s client lists, cancels and deletes batches and files', async () => {
  const file = await uploaded('nobody-offers-it', 3);
  const batch = await batched(file);
  await coordinator.running.sweep();
  await openai.batches.cancel(batch.id);
  const cancelled = await ended(batch);
  const batches = await Array.fromAsync(openai.batches.list({ limit: 1 }));
  const files = await Array.fromAsync(openai.files.list({ limit: 1 }));
  expect(cancelled).toMatchObject({
    status: 'cancelled',
    request_counts: { total: 3, completed: 0, failed: 3 },
  });
  expect(batches.map(({ id }) => id)).toContain(batch.id);
  expect(files.map(({ id }) => id)).toEqual(expect.arrayContaining([file.id, cancelled.error_file_id]));
  expect(await openai.files.delete(file.id)).toMatchObject({ deleted: true });
  await expect(openai.files.retrieve(file.id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
});
