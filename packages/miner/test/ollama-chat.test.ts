import type { ChatRequest, JobParams } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { BackendError, type Generated, ollamaBackend } from '../src/index.ts';
import { bytes, chunks, generation, json, serve } from './inference-server.ts';
import { rejection } from './rejection.ts';

const NDJSON = 'application/x-ndjson';

/** A line of the answer to `POST /api/chat`. */
const line = (message: object, more: object = {}) =>
  `${JSON.stringify({
    ...{ model: 'qwen3', created_at: '2026-01-24T15:00:00.123456Z' },
    ...{ message: { role: 'assistant', content: '', ...message }, done: false, ...more },
  })}\n`;

const end = (done_reason?: string, more: object = {}) =>
  line({}, { done: true, done_reason, prompt_eval_count: 26, eval_count: 3, ...more });

/** Returns the result of a chat that Ollama answers with these pieces, and the request that it got. */
async function chatted(
  pieces: Iterable<string | Uint8Array>,
  chat: Partial<ChatRequest> = {},
  params: JobParams = {},
  show: object = {},
) {
  const { url, asked } = await serve({
    '/api/chat': chunks(NDJSON, pieces),
    '/api/show': json(200, show),
  });
  const reasoning: string[] = [];
  const { pieces: texts, generation: wanted } = generation({
    ...{ model: 'qwen3', params, onReasoning: (piece: string) => reasoning.push(piece) },
    chat: { messages: [{ role: 'user', content: 'Why is the sky blue?' }], ...chat },
  });
  const answering = ollamaBackend({ url }).generate(wanted);
  const settled = await answering.then(
    (generated: Generated) => ({ generated, failure: undefined }),
    (failure: unknown) => ({ generated: undefined, failure }),
  );
  const { body } = asked.find(({ path }) => path === '/api/chat') ?? {};
  return { ...settled, texts, reasoning, body: body as Record<string, unknown> };
}

test('a chat comes piece by piece, with reasoning apart from the answer', async () => {
  const { generated, texts, reasoning } = await chatted([
    line({ thinking: 'Blue' }),
    line({ thinking: ' scatters.' }),
    line({ content: 'Because' }),
    line({ content: ' of air.' }),
    end('stop', { prompt_eval_cached_count: 20 }),
  ]);
  expect(generated).toEqual({
    ...{ text: 'Because of air.', reasoning: 'Blue scatters.', finishReason: 'stop' },
    usage: { prompt_tokens: 26, completion_tokens: 3, cached_tokens: 20 },
  });
  expect({ texts, reasoning }).toEqual({
    texts: ['Because', ' of air.'],
    reasoning: ['Blue', ' scatters.'],
  });
});

test('lines end at line feeds only, wherever the network cuts them', async () => {
  const text = 'one\u2028two\u2029three\u0085four\rfive 空は青い 🟦';
  const sent = `\uFEFF${line({ content: text })}\r\n\n  \n${end('stop').replace('\n', '\r\n')}`;
  // JSON.stringify writes these as they are, except for the carriage return.
  expect(sent).toContain('\u2028');
  const { generated } = await chatted(bytes(sent));
  expect(generated?.text).toBe(text);
});

test('what comes after the end is not read', async () => {
  const { generated } = await chatted([line({ content: 'Hi' }), `${end('stop')}<html>bye</html>\n`]);
  expect(generated).toMatchObject({ text: 'Hi', finishReason: 'stop' });
});

test('an end without a reason counts, as earlier versions send none', async () => {
  const { generated } = await chatted([line({ content: 'Hi' }), end(undefined)]);
  expect(generated?.text).toBe('Hi');
  const { failure } = await chatted([end(undefined)]);
  expect(failure).toBeInstanceOf(BackendError);
});

test.each(['load', 'unload', 'connection closed', 'a reason of tomorrow'])(
  'done_reason "%s" is a failure',
  async reason => {
    const { failure } = await chatted([line({ content: 'Hi' }), end(reason)]);
    expect(failure).toMatchObject({ failureClass: 'broken', message: expect.stringContaining(reason) });
  },
);

test.each([
  [
    'the prompt is longer than the context length currently available to the model; shorten the prompt',
    'refused',
  ],
  ['the input length exceeds the context length', 'refused'],
  ['CUDA error: out of memory', 'broken'],
])('an error in a line, "%s", is %s', async (error, failureClass) => {
  const { failure } = await chatted([line({ content: 'Hi' }), `${JSON.stringify({ error })}\n`]);
  expect(failure).toMatchObject({
    ...{ message: `Ollama: ${error}`, failureClass },
    ...(failureClass === 'refused' && { code: 'context_length_exceeded' }),
  });
});

const TOOLS: ChatRequest['tools'] = [
  {
    type: 'function',
    function: { name: 'weather', parameters: { type: 'object', properties: { z: {}, a: {} } } },
  },
];

test('tool calls get ids, and their arguments are text', async () => {
  const call = (city: string) => ({ function: { name: 'weather', arguments: { city } } });
  const { generated, body } = await chatted(
    [line({ tool_calls: [call('Paris')] }), line({ tool_calls: [call('Rome'), call('Oslo')] }), end('stop')],
    { tools: TOOLS },
  );
  expect(generated).toMatchObject({
    finishReason: 'tool_calls',
    toolCalls: ['Paris', 'Rome', 'Oslo'].map(city => ({
      ...{ id: expect.stringMatching(/^call_\w+/), type: 'function' },
      function: { name: 'weather', arguments: JSON.stringify({ city }) },
    })),
  });
  expect(new Set(generated?.toolCalls?.map(({ id }) => id)).size).toBe(3);
  expect(JSON.stringify(body.tools)).toBe(JSON.stringify(TOOLS));
});

test('a history is sent in Ollama’s own shape', async () => {
  const messages: ChatRequest['messages'] = [
    { role: 'system', content: 'Be brief.' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'What is this?' },
        { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
      ],
    },
    {
      role: 'assistant',
      content: null,
      tool_calls: [
        { id: 'call_1', type: 'function', function: { name: 'look', arguments: '{"b":1,"a":[2]}' } },
        { id: 'call_2', type: 'function', function: { name: 'smell', arguments: 'no JSON' } },
      ],
    },
    { role: 'tool', tool_call_id: 'call_1', content: 'a cat' },
  ];
  Object.assign(messages[2] ?? {}, { reasoning_content: 'I look.' });
  const { body } = await chatted([end('stop')], { messages });
  expect(body.messages).toEqual([
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'What is this?', images: ['iVBORw0KGgo='] },
    {
      ...{ role: 'assistant', content: '', thinking: 'I look.' },
      tool_calls: [
        { id: 'call_1', function: { name: 'look', arguments: { b: 1, a: [2] } } },
        { id: 'call_2', function: { name: 'smell', arguments: { arguments: 'no JSON' } } },
      ],
    },
    { role: 'tool', content: 'a cat', tool_name: 'look', tool_call_id: 'call_1' },
  ]);
});

test('an image URL on the web is the client’s error', async () => {
  const url = 'https://example.com/cat.png';
  const content = [{ type: 'image_url' as const, image_url: { url } }];
  const { failure } = await chatted([end('stop')], { messages: [{ role: 'user', content }] });
  expect(failure).toMatchObject({ failureClass: 'refused', code: 'invalid_image_url' });
});

test('the schema is sent as the client wrote it', async () => {
  const schema = { type: 'object', properties: { steps: {}, answer: {} }, required: ['steps', 'answer'] };
  const { body } = await chatted([end('stop')], {
    response_format: { type: 'json_schema', json_schema: { name: 'steps', schema } },
  });
  expect(JSON.stringify(body.format)).toBe(JSON.stringify(schema));
  const json = await chatted([end('stop')], { response_format: { type: 'json_object' } });
  expect(json.body.format).toBe('json');
});

test('options go where Ollama reads them, and hints of other APIs are dropped', async () => {
  const { body } = await chatted(
    [end('stop')],
    { tools: TOOLS, tool_choice: 'none' },
    {
      ...{ max_tokens: 9, stop: 'END', top_k: 40, min_p: 0.1, seed: 7, repetition_penalty: 1.1 },
      ...{ keep_alive: -1, num_gpu: 99, store: true, verbosity: 'low', service_tier: 'auto', user: 'u' },
    },
  );
  expect(body).toMatchObject({ stream: true, truncate: false, shift: false });
  expect(body.options).toEqual({
    ...{ num_predict: 9, stop: ['END'], top_k: 40, min_p: 0.1, seed: 7, repeat_penalty: 1.1 },
  });
  for (const name of ['tools', 'keep_alive', 'store', 'user']) expect(body).not.toHaveProperty(name);
});

test.each([
  [{ think: 'high' }, 'high'],
  [{ think: false }, false],
  [{ reasoning_effort: 'minimal' }, 'low'],
  [{ reasoning_effort: 'none' }, false],
  [{ chat_template_kwargs: { enable_thinking: false } }, false],
  [{}, undefined],
])('%o sets think to %o', async (params, think) => {
  const { body } = await chatted([end('stop')], {}, params, { capabilities: ['completion', 'thinking'] });
  expect(body.think).toBe(think);
});

test('a model that can not think is not asked to', async () => {
  const show = { capabilities: ['completion'] };
  const { body } = await chatted([end('stop')], {}, { reasoning_effort: 'high' }, show);
  expect(body).not.toHaveProperty('think');
});

test('a required tool call is unsupported', async () => {
  const { failure } = await chatted([end('stop')], { tools: TOOLS, tool_choice: 'required' });
  expect(failure).toMatchObject({ failureClass: 'unsupported' });
});

test('a model without tools does not support them', async () => {
  const error = 'registry.ollama.ai/library/gemma:latest does not support tools';
  const { url } = await serve({ '/api/chat': json(400, { error }) });
  const { generation: wanted } = generation({
    chat: { messages: [{ role: 'user', content: 'Hi' }], tools: TOOLS },
  });
  expect(await rejection(ollamaBackend({ url }).generate(wanted))).toMatchObject({
    ...{ failureClass: 'unsupported', message: `Ollama: ${error}` },
  });
});
