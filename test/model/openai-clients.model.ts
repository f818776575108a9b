import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { embedMany, generateText, jsonSchema, Output, streamText, tool } from 'ai';
import OpenAI from 'openai';
import { beforeAll, expect, inject, test } from 'vitest';
import { MODEL, withMiner } from './network.ts';

const network = withMiner(async () => ['--gguf', inject('gguf'), '--model', MODEL]);

let openai: OpenAI;

beforeAll(() => {
  openai = new OpenAI({ baseURL: `${network.url}/v1`, apiKey: 'unused' });
});

const ask = (content: string, more: object = {}) =>
  openai.chat.completions.create({
    ...{ model: MODEL, temperature: 0, max_tokens: 64, stream: false },
    messages: [{ role: 'user', content }],
    ...more,
  });
const textOf = ({ choices }: OpenAI.ChatCompletion) => choices[0]?.message.content ?? '';

/** The answer is “The capital of France is Paris.” */
const QUESTION = 'Which city is the capital of France? Answer with one sentence.';

const CITY = {
  type: 'object',
  properties: { city: { type: 'string', maxLength: 30 }, isCapital: { type: 'boolean' } },
  required: ['city', 'isCapital'],
  additionalProperties: false,
} as const;

test('a json_object is JSON', async () => {
  const answer = await ask('Give a JSON object with the name and the age of a person.', {
    response_format: { type: 'json_object' },
  });
  expect(JSON.parse(textOf(answer))).toBeTypeOf('object');
});

test('a json_schema holds the model to it', async () => {
  const answer = await ask('What is the capital of France?', {
    response_format: { type: 'json_schema', json_schema: { name: 'city', schema: CITY, strict: true } },
  });
  expect(JSON.parse(textOf(answer))).toEqual({
    city: expect.any(String),
    isCapital: expect.any(Boolean),
  });
});

const TOOLS = ['get_weather', 'get_time'].map(name => ({
  type: 'function' as const,
  function: {
    name,
    description: `Tells the ${name.slice(4)} in a city`,
    parameters: {
      type: 'object',
      properties: { city: { type: 'string', maxLength: 30 } },
      required: ['city'],
    },
  },
}));

test.each(['required', { type: 'function', function: { name: 'get_time' } }] as const)(
  'a model must call a tool: %j',
  async tool_choice => {
    const { choices } = await ask('What is the time in Paris?', { tools: TOOLS, tool_choice });
    const [call] = choices[0]?.message.tool_calls ?? [];
    if (call?.type !== 'function') throw new Error('No function is called');
    expect({ finish_reason: choices[0]?.finish_reason, name: call.function.name }).toEqual({
      finish_reason: 'tool_calls',
      name: tool_choice === 'required' ? expect.stringMatching(/^get_(weather|time)$/) : 'get_time',
    });
    expect(JSON.parse(call.function.arguments)).toEqual({ city: expect.any(String) });
  },
);

test('a model may call a tool, and goes on with what it answered', async () => {
  const call = { name: 'get_weather', arguments: '{"city":"Paris"}' };
  const answer = await openai.chat.completions.create({
    ...{ model: MODEL, temperature: 0, max_tokens: 64, tools: TOOLS },
    messages: [
      { role: 'user', content: 'What is the weather in Paris?' },
      { role: 'assistant', tool_calls: [{ id: 'call_1', type: 'function', function: call }] },
      { role: 'tool', tool_call_id: 'call_1', content: 'Rain' },
    ],
  });
  expect(textOf(answer)).not.toBe('');
});

test('the AI SDK has a tool called', async () => {
  const provider = createOpenAICompatible({ name: 'aitbc', baseURL: `${network.url}/v1` });
  const { toolCalls } = await generateText({
    ...{
      model: provider(MODEL),
      prompt: 'What is the weather in Paris?',
      temperature: 0,
      maxOutputTokens: 64,
    },
    tools: { get_weather: tool({ inputSchema: jsonSchema(TOOLS[0]?.function.parameters as never) }) },
    toolChoice: 'required',
  });
  expect(toolCalls).toMatchObject([{ toolName: 'get_weather', input: { city: expect.any(String) } }]);
});

test('the AI SDK gets an object of a schema', async () => {
  const supportsStructuredOutputs = true;
  const baseURL = `${network.url}/v1`;
  const provider = createOpenAICompatible({ name: 'aitbc', baseURL, supportsStructuredOutputs });
  const { output } = await generateText({
    ...{
      model: provider(MODEL),
      prompt: 'What is the capital of France?',
      temperature: 0,
      maxOutputTokens: 64,
    },
    output: Output.object({ schema: jsonSchema(CITY as never) }),
  });
  expect(output).toEqual({ city: expect.any(String), isCapital: expect.any(Boolean) });
});

test('a text is gone on with, rather than answered', async () => {
  const { choices } = await openai.completions.create({
    ...{ model: MODEL, temperature: 0, max_tokens: 8 },
    prompt: 'The capital of France is',
  });
  expect(choices[0]?.text).toMatch(/^ Paris/);
});

test('a text ends before a stop', async () => {
  const free = textOf(await ask(QUESTION));
  const { choices } = await ask(QUESTION, { stop: [' of'] });
  expect(free).toContain(' of');
  expect(choices[0]).toMatchObject({
    finish_reason: 'stop',
    message: { content: free.slice(0, free.indexOf(' of')) },
  });
});

test('a bias decides which tokens are said', async () => {
  const free = textOf(await ask(QUESTION));
  // This token is so much likelier than the others that it is repeated.
  const only = textOf(await ask(QUESTION, { logit_bias: { 1343: 100 }, max_tokens: 3 }));
  expect(free).toContain('Paris');
  expect(only).toMatch(/^(.+)\1\1$/);
});

test('texts that mean alike have embeddings that are alike', async () => {
  const input = ['The cat sits on the mat.', 'A cat is sitting on a rug.', 'Interest rates rose in June.'];
  const { data, usage } = await openai.embeddings.create({ model: MODEL, input });
  const [cat, otherCat, rates] = data.map(({ embedding }) => embedding);
  const likeness = (a: number[] = [], b: number[] = []) =>
    a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
  expect(likeness(cat, otherCat)).toBeGreaterThan(likeness(cat, rates));
  expect(likeness(cat, cat)).toBeCloseTo(1, 4);
  expect(usage.prompt_tokens).toBeGreaterThan(15);
});

test('tokens that the model does not have are refused, with the reason', async () => {
  const refused = openai.embeddings.create({ model: MODEL, input: [[1, 10_000_000]] }, { maxRetries: 0 });
  await expect(refused).rejects.toThrow(/400 .*Text 0 has the token 10000000/);
});

test('the AI SDK streams a text with its usage, and embeds by its default settings', async () => {
  const provider = createOpenAICompatible({
    ...{ name: 'aitbc', baseURL: `${network.url}/v1`, includeUsage: true },
  });
  const { textStream, usage } = streamText({
    ...{ model: provider(MODEL), prompt: QUESTION, temperature: 0, maxOutputTokens: 8 },
  });
  let text = '';
  for await (const piece of textStream) text += piece;
  expect(text).not.toBe('');
  expect((await usage).outputTokens).toBeGreaterThan(0);
  const { embeddings } = await embedMany({
    model: provider.embeddingModel(MODEL),
    values: ['A cat', 'A dog'],
  });
  expect(embeddings.map(({ length }) => length > 100)).toEqual([true, true]);
});

test('fields that may be null are values or null', async () => {
  const orNull = (schema: object) => ({ anyOf: [schema, { type: 'null' }] });
  const schema = {
    ...{ type: 'object', required: ['city', 'founded'], additionalProperties: false },
    properties: {
      city: orNull({ type: 'string', maxLength: 20 }),
      founded: orNull({ type: 'integer', minimum: 1, maximum: 2100 }),
    },
  };
  const answer = await ask('Paris was founded in 250. Give its name and year.', {
    response_format: { type: 'json_schema', json_schema: { name: 'city', schema, strict: true } },
  });
  const { city, founded } = JSON.parse(textOf(answer));
  expect(city === null || typeof city === 'string').toBe(true);
  expect(founded === null || Number.isInteger(founded)).toBe(true);
});

test('a text that is too long to embed is refused, with the reason', async () => {
  const refused = openai.embeddings.create({ model: MODEL, input: 'word '.repeat(5_000) }, { maxRetries: 0 });
  await expect(refused).rejects.toThrow(/Text 0 is too long: this miner takes \d+ tokens/);
});
