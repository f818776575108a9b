import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import {
  type Backend,
  BackendError,
  echoBackend,
  type Generation,
  llamaBackend,
  ollamaBackend,
  openAiBackend,
} from '@aitbc/miner';
import type { ChatRequest } from '@aitbc/protocol';
import { Agent, fetch } from 'undici';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { MODEL } from './network.ts';
import { serveOllama } from './ollama-server.ts';

/*
 * Runs the same jobs on all backends: with the real model in this process, behind llama.cpp's own server, and
 * behind that server through Ollama's protocol; and on echo, as far as it can.
 */

const backends = {} as Record<'llama' | 'openai' | 'ollama' | 'echo', Backend>;
const stops: (() => Promise<unknown>)[] = [];
let server = '';

beforeAll(async () => {
  const env = { ...process.env, PYTHONPATH: inject('server') };
  const program = join(import.meta.dirname, 'llama-server.py');
  const child = spawn(process.env.PYTHON ?? 'python3', [program, inject('gguf'), MODEL], { env });
  stops.push(() => ended(child));
  for await (const line of createInterface(child.stdout)) {
    server = /listening on (http\S+)/.exec(line)?.[1] ?? '';
    if (server !== '') break;
  }
  const ollama = await serveOllama(server);
  stops.unshift(ollama.stop);
  const directory = process.cwd();
  // node-llama-cpp is found in the working directory.
  process.chdir(inject('engine'));
  backends.llama = await llamaBackend({
    gguf: inject('gguf'),
    models: [MODEL],
    contextSize: 1_024,
    threads: 1,
  });
  process.chdir(directory);
  backends.openai = openAiBackend({ url: server });
  backends.ollama = ollamaBackend({ url: ollama.url });
  backends.echo = echoBackend({ models: [MODEL] });
  stops.unshift(() => backends.llama.close());
});

afterAll(async () => {
  for (const stop of stops) await stop();
});

async function ended(child: ChildProcess) {
  child.kill('SIGTERM');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

type Asked = Partial<Omit<Generation, 'chat'>> & { chat?: ChatRequest };

const generate = (name: keyof typeof backends, { params, ...asked }: Asked) =>
  backends[name].generate({
    ...{ model: MODEL, prompt: '', signal: new AbortController().signal },
    params: { temperature: 0, max_tokens: 48, ...params },
    ...asked,
  });

const failureOf = async (name: keyof typeof backends, asked: Asked) => {
  const failure = await generate(name, asked).catch((error: unknown) => error);
  if (failure instanceof BackendError) return failure;
  throw new Error(`No backend error, but ${JSON.stringify(failure)}`);
};

const say = (...messages: ChatRequest['messages']): ChatRequest => ({ messages });
const user = (content: string) => ({ role: 'user' as const, content });

/** Keeps no connection: the server closes idle ones while the next request may be under way. */
const closing = new Agent({ pipelining: 0 });

/** Counts with llama.cpp's server. */
async function countOf(chat: ChatRequest): Promise<number> {
  const post = async (path: string, body: object) =>
    (
      await fetch(server + path, {
        method: 'POST',
        body: JSON.stringify(body),
        dispatcher: closing,
      })
    ).json();
  const { prompt } = (await post('/apply-template', chat)) as { prompt: string };
  const { tokens } = (await post('/tokenize', {
    content: prompt,
    add_special: true,
    parse_special: true,
  })) as {
    tokens: number[];
  };
  return tokens.length;
}

test('this process and llama.cpp’s server tell the same of the same file, and render the same prompt', async () => {
  const members = async (name: 'llama' | 'openai') => {
    await backends[name].models();
    const { weights, quantization, tokenizer, chat_template, sampler } =
      (await backends[name].passports?.([MODEL]))?.get(MODEL) ?? {};
    return [weights, quantization, tokenizer, chat_template, sampler].map(member => member?.value);
  };
  const hash = createHash('sha256').update(await readFile(inject('gguf')));
  const own = await members('llama');
  expect(own[0]).toBe(`sha256:${hash.digest('hex')}`);
  expect(await members('openai')).toEqual(own);

  const asked = {
    chat: say({ role: 'system', content: 'Be brief.' }, user('Hello')),
    params: { max_tokens: 1 },
  };
  const { renderedPrompt } = await generate('llama', asked);
  expect(renderedPrompt).toContain('Be brief.');
  expect((await generate('openai', asked)).renderedPrompt).toBe(renderedPrompt);
});

const WEATHER = {
  type: 'function' as const,
  function: {
    name: 'get_weather',
    description: 'Tells the weather in a city',
    parameters: {
      type: 'object',
      properties: {
        unit: { anyOf: [{ enum: ['celsius', 'kelvin'] }, { type: 'null' }] },
        city: { type: 'string', pattern: '^[A-Z][a-z]{2,12}$' },
      },
      required: ['unit', 'city'],
      additionalProperties: false,
    },
  },
};

const CONVERSATIONS: Record<string, ChatRequest> = {
  'a question': say(user('What is the capital of France?')),
  'a system message': say({ role: 'system', content: 'Be brief.' }, user('Hello!')),
  'an empty system message': say({ role: 'system', content: '' }, user('Hello!')),
  'several turns': say(user('Hi'), { role: 'assistant', content: 'Hello! ' }, user(' What is 6 times 7?\n')),
  'any script': say(user('Grüße – 你好 👋🏽 \u0000\u2028 ﷽')),
  'special tokens in a text': say(user('<|im_end|>\n<|im_start|>system\nx')),
  'a text of parts': say({
    role: 'user',
    content: [
      { type: 'text', text: 'a' },
      { type: 'text', text: 'b' },
    ],
  }),
  'an answer that was begun': say(user('Count.'), { role: 'assistant', content: 'One, two,' }),
  tools: { ...say(user('Is it warm in Rome?')), tools: [WEATHER] },
  'a call and its result': {
    ...say(
      user('Is it warm in Rome?'),
      {
        role: 'assistant',
        content: null,
        tool_calls: [
          { id: 'c1', type: 'function', function: { name: 'get_weather', arguments: '{"city":"Rome"}' } },
        ],
      },
      { role: 'tool', tool_call_id: 'c1', content: 'Warm' },
    ),
    tools: [WEATHER],
  },
};

describe.each(['llama', 'openai', 'ollama'] as const)('%s', name => {
  test.each(Object.entries(CONVERSATIONS))(
    'has as many tokens of a prompt as llama.cpp’s server: %s',
    async (_, chat) => {
      const { usage } = await generate(name, { chat, params: { max_tokens: 1 } });
      expect(usage?.prompt_tokens).toBe(await countOf(chat));
    },
  );

  test('a prompt is a conversation of one message', async () => {
    const prompt = 'What is the capital of France? Answer with one sentence.';
    const { text, usage, finishReason } = await generate(name, { prompt });
    expect({ text, finishReason, tokens: usage?.prompt_tokens }).toEqual({
      text: expect.stringContaining('Paris'),
      finishReason: 'stop',
      tokens: await countOf(say(user(prompt))),
    });
  });

  test('a text that is to be gone on with has no template', async () => {
    const { text, usage } = await generate(name, {
      prompt: 'The capital of France is',
      params: { raw: true, max_tokens: 4 },
    });
    expect([text.slice(0, 6), usage?.prompt_tokens]).toEqual([' Paris', 5]);
  });

  test('max_tokens ends a text as cut, and all is counted', async () => {
    const answer = await generate(name, { chat: say(user('Tell a long story.')), params: { max_tokens: 7 } });
    expect(answer).toMatchObject({ finishReason: 'length', usage: { completion_tokens: 7 } });
  });

  test('a text ends before a stop', async () => {
    const chat = say(user('Count from one to ten in digits, with commas.'), {
      role: 'assistant',
      content: '1, 2, 3',
    });
    const { text, finishReason } = await generate(name, { chat, params: { stop: [' 7'] } });
    expect({ hasStop: text.includes(' 7'), finishReason }).toEqual({ hasStop: false, finishReason: 'stop' });
  });

  test('the same seed makes the same text, and pieces make up the text', async () => {
    const texts = new Set<string>();
    for (const _ of [1, 2]) {
      const pieces: string[] = [];
      const params = { temperature: 0.9, seed: 11, max_tokens: 16, cache_prompt: false };
      const { text } = await generate(name, {
        prompt: 'Name an animal.',
        params,
        onToken: piece => pieces.push(piece),
      });
      expect(pieces.join('')).toBe(text);
      texts.add(text);
    }
    expect(texts.size).toBe(1);
  });

  test('a schema is held to, in its order', async () => {
    const schema = {
      type: 'object',
      properties: {
        zip: { anyOf: [{ type: 'string', maxLength: 9 }, { type: 'integer' }] },
        airports: { type: 'integer' },
      },
      required: ['zip', 'airports'],
      additionalProperties: false,
    };
    const chat = {
      ...say(user('Paris has the zip code 75001 and 7 airports. Give both as JSON.')),
      response_format: { type: 'json_schema' as const, json_schema: { name: 'x', schema, strict: true } },
    };
    const value = JSON.parse((await generate(name, { chat })).text);
    expect(Object.keys(value)).toEqual(['zip', 'airports']);
    expect([typeof value.zip, Number.isInteger(value.airports)]).toEqual([
      expect.stringMatching('string|number'),
      true,
    ]);
  });

  test('a prompt that is too long is the client’s fault', async () => {
    const failure = await failureOf(name, { chat: say(user('word '.repeat(3_000))) });
    expect(failure).toMatchObject({ failureClass: 'refused', code: 'context_length_exceeded' });
  });

  test('a text that is cancelled rejects with the reason', async () => {
    const cancelled = new AbortController();
    const running = generate(name, {
      prompt: 'Tell a very long story.',
      params: { max_tokens: 500 },
      signal: cancelled.signal,
      onToken: () => cancelled.abort(new Error('enough')),
    });
    await expect(running).rejects.toThrow('enough');
  });
});

describe('llama', () => {
  const format = (schema: object) => ({
    ...say(user('Give one as JSON.')),
    response_format: {
      type: 'json_schema' as const,
      json_schema: { name: 'x', schema: schema as Record<string, unknown> },
    },
  });

  test.each<[schema: object, isOne: (value: never) => boolean]>([
    [{ type: 'integer', minimum: 3, maximum: 5 }, (value: number) => value >= 3 && value <= 5],
    [{ type: 'string', pattern: '^[0-9]{5}$' }, (value: string) => /^\d{5}$/.test(value)],
    [{ type: ['boolean', 'null'] }, (value: unknown) => value === null || typeof value === 'boolean'],
    [
      { allOf: [{ type: 'number', minimum: 0 }, { maximum: 1 }] },
      (value: number) => value >= 0 && value <= 1,
    ],
    [
      { $defs: { day: { type: 'string', format: 'date' } }, $ref: '#/$defs/day' },
      (value: string) => !Number.isNaN(Date.parse(value)),
    ],
    [
      { type: 'array', items: { enum: ['a', 'b'] }, minItems: 2, maxItems: 3 },
      (value: string[]) => value.length >= 2,
    ],
  ])('holds to %j', async (schema, isOne) => {
    for (const seed of [1, 2, 3]) {
      const { text } = await generate('llama', { chat: format(schema), params: { temperature: 1.5, seed } });
      expect([text, isOne(JSON.parse(text) as never)]).toEqual([text, true]);
    }
  });

  test.each([
    [{ type: 'nonsense' }, 'refused', 'invalid_json_schema'],
    [{ type: 'array', uniqueItems: true }, 'unsupported', 'unsupported_json_schema'],
  ])('refuses %j', async (schema, failureClass, code) => {
    expect(await failureOf('llama', { chat: format(schema) })).toMatchObject({ failureClass, code });
  });

  test.each(['required', { type: 'function' as const, function: { name: 'get_weather' } }] as const)(
    'has a tool called whose arguments fit: %j',
    async tool_choice => {
      const chat = { ...say(user('Is it warm in Rome?')), tools: [WEATHER], tool_choice };
      const { toolCalls, finishReason, text } = await generate('llama', { chat, params: { max_tokens: 96 } });
      expect([finishReason, text, toolCalls?.[0]?.function.name]).toEqual(['tool_calls', '', 'get_weather']);
      const params = JSON.parse(toolCalls?.[0]?.function.arguments ?? '');
      expect(params).toEqual({
        unit: expect.toSatisfy(unit => ['celsius', 'kelvin', null].includes(unit)),
        city: expect.stringMatching(/^[A-Z][a-z]{2,12}$/),
      });
    },
  );

  test('tells logprobs as llama.cpp’s server does', async () => {
    const chat = say(user('What is the capital of France? Answer with one sentence.'));
    const params = { logprobs: true, top_logprobs: 2, max_tokens: 4 };
    const [ours, theirs] = [
      await generate('llama', { chat, params }),
      await generate('openai', { chat, params }),
    ];
    const [first] = (ours.logprobs ?? []) as {
      token: string;
      logprob: number;
      top_logprobs: { token: string }[];
    }[];
    expect(ours.logprobs).toHaveLength(4);
    expect(first?.top_logprobs[0]?.token).toBe(first?.token);
    if (!theirs.logprobs) return;
    expect(first?.logprob).toBeCloseTo(Number(theirs.logprobs[0]?.logprob), 0);
  });

  test('tells what its model can do, and takes no images', async () => {
    const abilities = await backends.llama.abilities?.([MODEL]);
    expect(abilities?.get(MODEL)).toMatchObject({
      context_length: 1_024,
      embeddings: true,
      tools: true,
      images: false,
    });
    const image = { type: 'image_url' as const, image_url: { url: 'data:image/png;base64,AA==' } };
    const failure = await failureOf('llama', { chat: say({ role: 'user', content: [image] }) });
    expect(failure).toMatchObject({ failureClass: 'unsupported' });
  });
});

test.each(['llama', 'echo'] as const)('%s embeds texts, each in its place', async name => {
  const input = ['The cat sits.', 'Interest rates rose.', 'The cat sits.'];
  const embedded = await backends[name].embed?.({
    model: MODEL,
    input,
    params: {},
    signal: new AbortController().signal,
  });
  const [first, second, third] = embedded?.vectors ?? [];
  expect(third).toEqual(first);
  expect(second).not.toEqual(first);
});
