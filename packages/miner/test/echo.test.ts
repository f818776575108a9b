import type { ChatRequest, JobParams } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { echoBackend } from '../src/index.ts';

const generate = (params = {}, onToken?: (piece: string) => void, signal = new AbortController().signal) =>
  echoBackend().generate({
    model: 'echo',
    prompt: 'Good  morning',
    params,
    signal,
    ...(onToken && { onToken }),
  });

test('the answer repeats the prompt and says that no model ran', async () => {
  expect(await generate()).toEqual({
    text: 'Echo, no model ran: Good  morning',
    finishReason: 'stop',
    usage: { prompt_tokens: 2, completion_tokens: 6 },
  });
});

test('the pieces together are the text', async () => {
  const pieces: string[] = [];
  const { text } = await generate({}, piece => pieces.push(piece));
  expect(pieces).toHaveLength(6);
  expect(pieces.join('')).toBe(text);
});

test('max_tokens cuts the answer', async () => {
  expect(await generate({ max_tokens: 2 })).toEqual({
    text: 'Echo, no',
    finishReason: 'length',
    usage: { prompt_tokens: 2, completion_tokens: 2 },
  });
});

test.each([[', no'], [['morning', ', no']]])('the answer ends before the first stop: %j', async stop => {
  expect(await generate({ stop })).toMatchObject({ text: 'Echo', finishReason: 'stop' });
});

test('the backend accepts any model name', async () => {
  expect(await echoBackend().models()).toEqual(['echo']);
  expect(await echoBackend({ models: ['llama3.2'] }).models()).toEqual(['llama3.2']);
});

test('a cancelled generation rejects with the reason', async () => {
  const reason = new Error('cancelled');
  await expect(generate({}, undefined, AbortSignal.abort(reason))).rejects.toBe(reason);
});

test.each<[code: string, chat: Partial<ChatRequest>, params?: JobParams]>([
  ['json_schema_unsupported', { response_format: { type: 'json_object' } }],
  ['tools_unsupported', { tool_choice: 'required' }],
  ['images_unsupported', { messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }],
  ['logprobs_unsupported', {}, { logprobs: true }],
])('an unsupported demand is an error that names it: %s', async (code, chat, params = {}) => {
  const messages: ChatRequest['messages'] = [{ role: 'user', content: 'Hello' }];
  const { signal } = new AbortController();
  const answer = echoBackend().generate({
    model: 'echo',
    prompt: '',
    chat: { messages, ...chat },
    params,
    signal,
  });
  await expect(answer).rejects.toMatchObject({ failureClass: 'unsupported', code });
});
