import type { NumberedJobEvent } from '@aitbc/protocol';
import { CoordinatorClient } from '@aitbc/sdk';
import { createParser } from 'eventsource-parser';
import { expect, test, vi } from 'vitest';
import { BackendError, echoBackend } from '../src/index.ts';
import { withCoordinator } from './coordinator.ts';
import { engine } from './engine.ts';
import { mine } from './mining.ts';
import { clientOver } from './network.ts';

const coordinator = withCoordinator({ retryBackoffSeconds: 0 });

/** Reads a job's events one by one. */
async function listenTo(jobId: string) {
  const response = await fetch(`${coordinator.url}/v1/jobs/${jobId}/events`);
  const events: NumberedJobEvent[] = [];
  const parser = createParser({
    onEvent: ({ event, id, data }) => events.push({ event, id, data: JSON.parse(data) } as NumberedJobEvent),
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  return async () => {
    while (events.length === 0) {
      const { done, value } = (await reader?.read()) ?? { done: true };
      if (done) return undefined;
      parser.feed(value);
    }
    return events.shift();
  };
}
type Next = Awaited<ReturnType<typeof listenTo>>;

/** Reads texts until together they are `text`. */
async function readText(next: Next, text: string): Promise<string[]> {
  const parts: string[] = [];
  while (parts.join('') !== text) {
    const event = await next();
    if (!event) throw new Error(`The stream ended after ${JSON.stringify(parts.join(''))}`);
    if (event.event === 'restart') parts.length = 0;
    if (event.event === 'chunk') parts.push(event.data.text);
  }
  return parts;
}

const submit = (model: string, prompt = 'p') =>
  coordinator.client.jobs.submit({ prompt, model, stream: true });

test('a text reaches its client while it is generated, and complete at the end', async () => {
  const { client } = coordinator;
  const hand = engine('streamed');
  await mine({ client, backend: hand.backend });
  const { job_id } = await submit('streamed');
  const next = await listenTo(job_id);
  const { generation, finish } = await hand.next();
  for (const piece of ['Once ', 'upon ', 'a time']) {
    generation.onToken?.(piece);
    await readText(next, piece);
  }
  finish('Once upon a time');
  expect(await client.jobs.wait(job_id)).toMatchObject({ result: 'Once upon a time' });
});

test('a job without `stream` is not streamed', async () => {
  const { client } = coordinator;
  const hand = engine('unstreamed');
  await mine({ client, backend: hand.backend });
  await client.jobs.submit({ prompt: 'p', model: 'unstreamed' });
  const { generation, finish } = await hand.next();
  expect(generation.onToken).toBeUndefined();
  finish();
});

test('tokens that come together are sent together', async () => {
  const { client } = coordinator;
  const posts: unknown[] = [];
  const network = clientOver(coordinator.url, /\/chunks$/, async send => {
    const answer = await send();
    posts.push(answer.status);
    return answer;
  });
  const miner = await mine({ client: network, backend: echoBackend({ models: ['together'] }) });
  const words = Array.from({ length: 3_000 }, (_, index) => `word-${index}`).join(' ');
  const { job_id } = await submit('together', words);
  await miner.when('job_completed');
  const text = (await client.jobs.get(job_id)).result ?? '';
  expect((await readText(await listenTo(job_id), text)).join('')).toBe(text);
  expect(posts).toEqual([200]);
});

test('characters stay whole when an engine splits them', async () => {
  const { client } = coordinator;
  const hand = engine('cut');
  await mine({ client, backend: hand.backend });
  const { job_id } = await submit('cut');
  const next = await listenTo(job_id);
  const { generation, finish } = await hand.next();
  generation.onToken?.('a\ud83c');
  await readText(next, 'a');
  generation.onToken?.(`\udf89${'🎉'.repeat(2_000)}`);
  const parts = await readText(next, '🎉'.repeat(2_001));
  expect(parts.every(part => part.isWellFormed())).toBe(true);
  finish('whatever');
});

test('lost chunks are posted again and stored once', async () => {
  let failures = 0;
  const network = clientOver(coordinator.url, /\/chunks$/, async send => {
    // The first request is lost, then answers are lost.
    if (++failures === 1) throw new TypeError('fetch failed');
    const answer = await send();
    if (failures < 4) throw new TypeError('fetch failed');
    return answer;
  });
  const hand = engine('lossy');
  await mine({ client: network, backend: hand.backend });
  const { job_id } = await submit('lossy');
  const next = await listenTo(job_id);
  const { generation, finish } = await hand.next();
  generation.onToken?.('one ');
  await readText(next, 'one ');
  generation.onToken?.('two');
  await readText(next, 'two');
  finish('one two');
  expect(failures).toBeGreaterThanOrEqual(5);
});

test('chunks that the coordinator had acknowledged and lost are posted again', async () => {
  let posts = 0;
  const network = clientOver(coordinator.url, /\/chunks$/, async send => {
    // The second request never arrives, and is acknowledged all the same: what a loss of power does to it.
    if (++posts !== 2) return await send();
    return Response.json({ streams: [{ job_id }] });
  });
  const hand = engine('forgotten');
  await mine({ client: network, backend: hand.backend });
  const { job_id } = await submit('forgotten');
  const next = await listenTo(job_id);
  const { generation, finish } = await hand.next();
  const push = async (piece: string) => {
    const before = posts;
    generation.onToken?.(piece);
    await vi.waitUntil(() => posts > before, 30_000);
  };
  await push('one ');
  await readText(next, 'one ');
  await push('two ');
  await push('three');
  expect(await readText(next, 'two three')).toEqual(['two ', 'three']);
  finish('one two three');
  expect(posts).toBe(4);
});

test('the text of many jobs shares requests', async () => {
  const sizes: number[] = [];
  const client = new CoordinatorClient(coordinator.url, {
    fetch: async (input, init) => {
      const { streams } = JSON.parse(String(init?.body ?? '{}'));
      if (streams) sizes.push(streams.length);
      return await fetch(input, init);
    },
  });
  const hand = engine('many');
  await mine({ client, backend: hand.backend, concurrency: 20 });
  const jobs = await Promise.all(Array.from({ length: 20 }, () => submit('many')));
  const running = await Promise.all(jobs.map(() => hand.next()));
  for (const { generation } of running) generation.onToken?.('text');
  for (const { job_id } of jobs) await readText(await listenTo(job_id), 'text');
  for (const { finish } of running) finish('text');
  expect(sizes).toEqual([20]);
});

test('an older coordinator takes the text of one job in a request', async () => {
  const { client } = coordinator;
  const paths: string[] = [];
  const older = new CoordinatorClient(coordinator.url, {
    fetch: async (input, init) => {
      const { pathname } = new URL(String(input));
      if (pathname.endsWith('/chunks')) paths.push(pathname);
      const unknown = `${coordinator.url}/v1/miners/older/unknown`;
      return await fetch(/miners\/[^/]+\/chunks$/.test(pathname) ? unknown : input, init);
    },
  });
  const hand = engine('older');
  await mine({ client: older, backend: hand.backend });
  const { job_id } = await submit('older');
  const next = await listenTo(job_id);
  const { generation, finish } = await hand.next();
  generation.onToken?.('Once ');
  await readText(next, 'Once ');
  generation.onToken?.('more');
  await readText(next, 'more');
  finish('Once more');
  await client.jobs.wait(job_id);
  expect(paths.slice(1)).toEqual([`/v1/jobs/${job_id}/chunks`, `/v1/jobs/${job_id}/chunks`]);
});

test('a coordinator that rejects more chunks still gets the result', async () => {
  const { client } = coordinator;
  const network = clientOver(coordinator.url, /\/chunks$/, async () => {
    throw new TypeError('fetch failed');
  });
  const hand = engine('unheard');
  await mine({ client: network, backend: hand.backend });
  const { job_id } = await submit('unheard');
  const { generation, finish } = await hand.next();
  generation.onToken?.('text');
  finish('text');
  expect(await client.jobs.wait(job_id)).toMatchObject({ status: 'completed', result: 'text' });
});

test('a text longer than the stream’s limit is still completed', async () => {
  const { client } = coordinator;
  const hand = engine('long');
  await mine({ client, backend: hand.backend });
  const { job_id } = await submit('long');
  const { generation, finish } = await hand.next();
  for (let count = 0; count < 200; count++) generation.onToken?.('x'.repeat(10_000));
  finish('too long to stream');
  expect(await client.jobs.wait(job_id)).toMatchObject({ result: 'too long to stream' });
});

// This coordinator asks for a heartbeat every 5 minutes, so none is due during the test.
const patient = withCoordinator({ leaseSeconds: 1_200, jobTimeoutSeconds: 3_600 });

test.for([true, false])('a cancelled job is stopped at once (streamed: %s)', async stream => {
  const { client } = patient;
  const hand = engine(`stops-${stream}`);
  const miner = await mine({ client, backend: hand.backend });
  const { job_id } = await client.jobs.submit({ prompt: 'p', model: `stops-${stream}`, stream });
  const { generation } = await hand.next();
  await client.jobs.cancel(job_id);
  expect(await miner.when('job_stopped')).toMatchObject({ job_id, reason: 'cancelled' });
  expect(generation.signal.aborted).toBe(true);
});

test('a job cancelled while it streams is stopped at its next token or before', async () => {
  const { client } = patient;
  const hand = engine('stops-streaming');
  const miner = await mine({ client, backend: hand.backend });
  const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'stops-streaming', stream: true });
  const { generation } = await hand.next();
  const tokens = setInterval(() => generation.onToken?.('token '), 10);
  generation.signal.addEventListener('abort', () => clearInterval(tokens));
  await client.jobs.cancel(job_id);
  expect(await miner.when('job_stopped')).toMatchObject({ job_id, reason: 'cancelled' });
});

test('the stream starts again when another miner takes the job over', async () => {
  const { client } = coordinator;
  const [first, second] = [engine('handed-on'), engine('handed-on')];
  const miner = await mine({ client, backend: first.backend });
  const { job_id } = await submit('handed-on');
  const next = await listenTo(job_id);
  const failing = await first.next();
  failing.generation.onToken?.('half a ');
  await readText(next, 'half a ');
  miner.stop();
  failing.fail(new BackendError('The engine broke'));
  await mine({ client, backend: second.backend });
  const { generation, finish } = await second.next();
  generation.onToken?.('a whole one');
  await readText(next, 'a whole one');
  finish('a whole one');
  const { attempts, result } = await client.jobs.wait(job_id);
  expect({ attempts, result }).toEqual({ attempts: 2, result: 'a whole one' });
});
