import type { FailJob, Job, ToolCall } from '@aitbc/protocol';
import { generateSigner } from '@aitbc/receipts';
import type { JobRequest } from '@aitbc/sdk';
import { CoordinatorClient } from '@aitbc/sdk';
import { createParser } from 'eventsource-parser';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ollamaBackend,
  openAiBackend,
  type RunningMiner,
  startMiner,
} from '../../packages/miner/src/index.ts';
import { withCoordinator } from '../../packages/miner/test/coordinator.ts';
import { type Dialect, type Gets, readDialects, serveDialects } from './engine.ts';

/*
 * Real answers of engines, each replayed through a coordinator and a miner: as a job, as a stream, and both
 * again through the routes of OpenAI's API.
 */

const dialects = await readDialects();
const coordinator = withCoordinator({ maxAttempts: 1, minReputation: 0 });

let engine: Awaited<ReturnType<typeof serveDialects>>;
let miners: RunningMiner[] = [];
/** The miner's reports of failed jobs. */
const reports = new Map<string, FailJob>();
/** Resolves when the miner claims jobs, which it does not for a moment after some failures. */
let claiming = Promise.resolve();

beforeAll(async () => {
  engine = await serveDialects(dialects);
  let resume = () => {};
  const signer = await generateSigner();
  const { url } = engine;
  const backends = { polyglot: openAiBackend({ url }), llama: ollamaBackend({ url }) };
  const starting = Object.entries(backends).map(([minerId, backend]) =>
    startMiner({
      client: new CoordinatorClient(coordinator.url, { fetch: overhear }),
      backend,
      identity: { minerId, signer },
      backoff: { first: 5, longest: 20 },
      onEvent({ event }) {
        if (event === 'paused') claiming = new Promise(resolve => (resume = resolve));
        if (event === 'resumed') resume();
      },
    }),
  );
  miners = await Promise.all(starting);
});

afterAll(async () => {
  await Promise.all(miners.map(miner => miner.quit()));
  engine.close();
});

const overhear: typeof fetch = async (input, init) => {
  const [, jobId] = /\/v1\/jobs\/([^/]+)\/fail$/.exec(String(input)) ?? [];
  if (jobId) reports.set(jobId, JSON.parse(String(init?.body)));
  return await fetch(input, init);
};

describe.each(dialects)('$name: $fault', ({ name, request, gets }) => {
  test('a job and its stream get what is meant', async () => {
    await claiming;
    const { job_id } = await coordinator.client.jobs.submit({
      model: name,
      stream: true,
      ...request,
    } as JobRequest);
    const job = await coordinator.client.jobs.wait(job_id);
    if (gets.failure) return expectFailure(job, gets.failure);
    expect(job.error).toBeNull();
    expect(meantBy(job, gets)).toEqual(wanted(gets));
    if (gets.vectors) return;
    expect(await streamed(job_id)).toEqual({ text: gets.text, reasoning: gets.reasoning ?? '' });
  });

  test('a client of OpenAI’s API gets it, too', async () => {
    await claiming;
    const { path, body } = openAiRequest({ name, request });
    const answer = await post(path, body);
    const said = (await answer.json()) as Record<string, never>;
    if (gets.failure) {
      expect(answer.ok).toBe(false);
      expect(said).toMatchObject({ error: { message: expect.stringContaining(gets.failure.says) } });
    } else expect(meantByOpenAi(said)).toEqual(wantedOfOpenAi(gets));
  });

  test.skipIf(gets.vectors || request.input)('its stream is the same', async () => {
    await claiming;
    const { path, body } = openAiRequest({ name, request });
    const answer = await post(path, { ...body, stream: true });
    const events = eventsIn(await answer.text());
    if (gets.failure) {
      const last = events.at(-1);
      expect(last === '[DONE]').toBe(false);
      expect(JSON.parse(last ?? '')).toMatchObject({
        error: { message: expect.stringContaining(gets.failure.says) },
      });
    } else {
      expect(events.pop()).toBe('[DONE]');
      expect(meantByPieces(events.map(event => JSON.parse(event)))).toEqual(wantedOfOpenAi(gets));
    }
  });
});

function expectFailure(job: Job, { class: error_class, code, says }: NonNullable<Gets['failure']>): void {
  expect(job).toMatchObject({ status: 'failed', result: null, receipt_id: null });
  expect(job.error).toMatchObject({
    error_class,
    detail: expect.stringContaining(says),
    ...(code !== undefined && { engine_code: code }),
  });
  expect(reports.get(job.job_id)).toMatchObject({
    error_class,
    error: expect.stringContaining(says),
    retryable: !['refused', 'unsupported'].includes(error_class),
    ...(code !== undefined && { engine_code: code }),
  });
}

/** Returns the expected values, with undefined for what must be absent. */
function wanted({ text, vectors, tool_calls = [], finish_reason, ...gets }: Gets): object {
  const { reasoning, refusal, logprobs, usage } = gets;
  if (vectors) return { vectors: vectors.map(rounded), ...(usage !== undefined && { usage }) };
  return {
    ...{ text, reasoning, refusal, finish_reason: finish_reason ?? undefined },
    tool_calls: tool_calls.map(call => ({ id: expect.any(String), ...call })),
    ...(usage !== undefined && { usage }),
    ...(logprobs && { logprobs: logprobs.map(one => expect.objectContaining(one)) }),
  };
}

function meantBy(job: Job, { usage, logprobs }: Gets): object {
  const { result, result_type = 'text', finish_reason, reasoning, refusal } = job;
  const parsed = result_type === 'text' ? undefined : JSON.parse(result ?? '');
  const counted = usage === undefined ? {} : { usage: job.usage };
  if (result_type === 'embeddings') return { vectors: parsed.embeddings.map(decoded), ...counted };
  return {
    ...{ text: parsed ? (parsed.content ?? '') : result, reasoning, refusal, finish_reason },
    tool_calls: callsIn(parsed),
    ...counted,
    ...(logprobs && { logprobs: job.logprobs }),
  };
}

/** Checks that every call has an id of its own, since otherwise it could not be answered. */
function callsIn(message: unknown): object[] {
  const calls: ToolCall[] = Object(message).tool_calls ?? [];
  expect(new Set(calls.map(({ id }) => id)).size).toBe(calls.length);
  for (const { id } of calls) expect(id).toMatch(/^.{1,128}$/);
  return calls.map(({ id, function: called }) => ({ id, ...called }));
}

const rounded = (vector: readonly number[]) => vector.map(number => Math.fround(number) + 0);

function decoded(base64: string): number[] {
  const bytes = Buffer.from(base64, 'base64');
  return rounded(Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(index * 4)));
}

/** Returns the texts of a stream's pieces. */
async function streamed(jobId: string): Promise<object> {
  const texts = { chunk: '', reasoning: '' };
  for await (const { event, data } of coordinator.client.jobs.events(jobId)) {
    if (event === 'chunk' || event === 'reasoning') texts[event] += data.text;
  }
  return { text: texts.chunk, reasoning: texts.reasoning };
}

function openAiRequest({ name, request: { params, ...request } }: Pick<Dialect, 'name' | 'request'>) {
  const path = request.input ? 'embeddings' : request.prompt ? 'completions' : 'chat/completions';
  return { path: `/v1/${path}`, body: { model: name, ...request } };
}

const post = (path: string, body: object) =>
  fetch(coordinator.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

/** Returns the part that answers of OpenAI's API contain. */
function wantedOfOpenAi(gets: Gets): object {
  if (gets.vectors) return { vectors: gets.vectors.map(rounded) };
  const { text = '', tool_calls = [], finish_reason } = gets;
  return {
    text,
    tool_calls: tool_calls.map(call => ({ id: expect.any(String), ...call })),
    finish_reason: finish_reason ?? 'stop',
  };
}

// biome-ignore lint/suspicious/noExplicitAny: the shape is what is under test
function meantByOpenAi({ data, choices }: any): object {
  if (data) {
    expect(data.map(({ index }: { index: number }) => index)).toEqual([...data.keys()]);
    return { vectors: data.map(({ embedding }: { embedding: number[] }) => rounded(embedding)) };
  }
  const [{ message, text, finish_reason }] = choices;
  return { text: text ?? message.content ?? '', tool_calls: callsIn(message), finish_reason };
}

// biome-ignore lint/suspicious/noExplicitAny: the shape is what is under test
function meantByPieces(pieces: any[]): object {
  const choices = pieces.flatMap(piece => piece.choices);
  const calls = choices.flatMap(({ delta }) => delta?.tool_calls ?? []);
  return {
    text: choices.map(({ delta, text }) => text ?? delta.content ?? '').join(''),
    tool_calls: callsIn({ tool_calls: calls }),
    finish_reason: choices.findLast(choice => choice.finish_reason)?.finish_reason,
  };
}

/** Returns the data of an answer's events. An answer without events is one event. */
function eventsIn(text: string): string[] {
  if (text.startsWith('{')) return [text];
  const events: string[] = [];
  createParser({ onEvent: ({ data }) => events.push(data) }).feed(text);
  return events;
}
