import type { NumberedJobEvent } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { type ClientOptions, CoordinatorClient, type CoordinatorError } from '../src/index.ts';
import { register, withCoordinator } from './coordinator.ts';
import { answer, brokenNetwork, reset } from './network.ts';

const coordinator = withCoordinator();

/** Returns a miner that posts text when the test says so. */
async function claim(model: string) {
  const { client } = coordinator;
  const miner = await register(client, model);
  const [job] = await client.miners.claimJobs(miner, { wait: 10 });
  if (!job) throw new Error(`No job for ${model}`);
  let first = 0;
  return {
    job,
    async post(...chunks: string[]) {
      await client.jobs.postChunks(job.job_id, { miner_id: miner, first, chunks });
      first += chunks.length;
    },
    complete: (result: string) => client.jobs.complete(job.job_id, { miner_id: miner, result }),
  };
}

const inShort = (events: readonly NumberedJobEvent[]) =>
  events.map(({ event, data }) =>
    event === 'status' ? data.status : event === 'chunk' ? JSON.stringify(data.text) : event,
  );

const all = (events: AsyncIterable<NumberedJobEvent>) => Array.fromAsync(events);

/** Fails in place of the next event. The events before it were read by then: an error takes away what waits in a stream. */
async function* cut({ body }: Response, after: number): AsyncGenerator<Uint8Array> {
  let left = after;
  for await (const part of body?.pipeThrough(new TextDecoderStream()) ?? [])
    for (const frame of part.split(/(?<=\n\n)/)) {
      if (frame.startsWith('event:') && left-- === 0) throw new TypeError('terminated');
      yield new TextEncoder().encode(frame);
    }
}

/** Returns a client whose event connections break after this many events. */
function breaking(after: number, options: ClientOptions = {}) {
  const asked: (string | null)[] = [];
  const client = new CoordinatorClient(coordinator.url, {
    sleep: async () => {},
    ...options,
    async fetch(input, init) {
      const response = await fetch(input, init);
      if (!String(input).endsWith('/events')) return response;
      asked.push(new Headers(init?.headers).get('last-event-id'));
      const frames = cut(response, after);
      const body = new ReadableStream<Uint8Array>(
        {
          async pull(controller) {
            const { done, value } = await frames.next();
            if (done) controller.close();
            else controller.enqueue(value);
          },
        },
        { highWaterMark: 0 },
      );
      return new Response(body, response);
    },
  });
  return { client, asked };
}

test('a stream has all events from submission to receipt', async () => {
  const told = all(coordinator.client.jobs.stream({ prompt: 'Hello', model: 'told' }));
  const { job, post, complete } = await claim('told');
  expect(job).toMatchObject({ prompt: 'Hello', stream: true });
  await post('Good ', 'day');
  const receipt = await complete('Good day');
  const events = await told;
  expect(inShort(events).filter(name => name !== 'pending')).toEqual([
    ...['running', '"Good "', '"day"'],
    ...['completed', 'result', 'receipt'],
  ]);
  expect(events.at(-2)?.data).toEqual({ result: 'Good day', usage: null });
  expect(events.at(-1)?.data).toEqual(receipt);
});

test('every option of a job can be given', async () => {
  const stream = coordinator.client.jobs.stream(
    { prompt: 'Hello', model: 'given', priority: 3, params: { temperature: 0 } },
    { idempotencyKey: 'given' },
  );
  const { value } = await stream.next();
  await stream.return();
  expect(value).toMatchObject({ event: 'status', data: { status: 'pending' } });
  const [job] = await Array.fromAsync(coordinator.client.jobs.list({ model: 'given' }));
  expect(job).toMatchObject({ priority: 3 });
});

test('broken connections are opened again without repeating or losing events', async () => {
  const { client, asked } = breaking(2);
  const stream = client.jobs.stream({ prompt: 'Hello', model: 'breaks' });
  const told = all(stream);
  const { post, complete } = await claim('breaks');
  for (const text of ['a', 'b', 'c', 'd', 'e']) await post(text);
  await complete('abcde');
  const events = await told;
  expect(inShort(events).filter(name => name !== 'pending')).toEqual([
    ...['running', '"a"', '"b"', '"c"', '"d"', '"e"'],
    ...['completed', 'result', 'receipt'],
  ]);
  const ids = events.map(({ id }) => id);
  expect(asked.slice(1).every(id => ids.includes(id ?? ''))).toBe(true);
  expect(asked.length).toBeGreaterThan(3);
});

test('a job can be followed from any of its events', async () => {
  const { job_id } = await coordinator.client.jobs.submit({
    prompt: 'Hello',
    model: 'resumed',
    stream: true,
  });
  const { post, complete } = await claim('resumed');
  await post('a', 'b');
  await complete('ab');
  const events = await all(coordinator.client.jobs.events(job_id));
  for (const [index, { id }] of events.entries())
    expect(await all(coordinator.client.jobs.events(job_id, { after: id }))).toEqual(events.slice(index + 1));
});

test('leaving the loop stops the reading and does not cancel the job', async () => {
  for await (const { event, data } of coordinator.client.jobs.stream({ prompt: 'Hello', model: 'left' })) {
    if (event === 'status') expect(data.status).toBe('pending');
    break;
  }
  const { job } = await claim('left');
  expect(job.prompt).toBe('Hello');
});

test('aborting the signal ends it with its reason, and cancels the job', async () => {
  const controller = new AbortController();
  const stream = coordinator.client.jobs.stream(
    { prompt: 'Hello', model: 'aborted' },
    { signal: controller.signal },
  );
  await stream.next();
  const next = stream.next();
  controller.abort(new Error('enough'));
  await expect(next).rejects.toThrow('enough');
  const [job] = await Array.fromAsync(coordinator.client.jobs.list({ model: 'aborted' }));
  expect(job?.status).toBe('cancelled');
});

test('leaving the loop because the signal aborted cancels the job', async () => {
  const controller = new AbortController();
  for await (const _ of coordinator.client.jobs.stream(
    { prompt: 'Hello', model: 'looked' },
    { signal: controller.signal },
  )) {
    controller.abort();
    if (controller.signal.aborted) break;
  }
  const [job] = await Array.fromAsync(coordinator.client.jobs.list({ model: 'looked' }));
  expect(job?.status).toBe('cancelled');
});

test('aborting `events` does not cancel the job', async () => {
  const { job_id } = await coordinator.client.jobs.submit({ prompt: 'Hello', model: 'watched' });
  const controller = new AbortController();
  const stream = coordinator.client.jobs.events(job_id, { signal: controller.signal });
  await stream.next();
  const next = stream.next();
  controller.abort(new Error('enough'));
  await expect(next).rejects.toThrow('enough');
  expect((await coordinator.client.jobs.get(job_id)).status).toBe('pending');
});

test('an error of the coordinator is not retried', async () => {
  const refused = all(coordinator.client.jobs.events('job-none'));
  await expect(refused).rejects.toMatchObject({ errorCode: 'JOB_NOT_FOUND', status: 404 });
});

test('a coordinator that can not be reached at the start is not retried for ever', async () => {
  const { client, seen } = await brokenNetwork([reset]);
  await expect(all(client.jobs.events('job-1'))).rejects.toMatchObject({ name: 'ConnectionError' });
  expect(seen).toHaveLength(3);
});

test('an answer that is not a stream is an error', async () => {
  const { client } = await brokenNetwork([answer(200, { status: 'ok' })], { maxRetries: 0 });
  const failed = all(client.jobs.events('job-1')).catch((error: CoordinatorError) => error);
  expect(await failed).toMatchObject({ message: expect.stringMatching(/not a stream of events/) });
});
