import type { FileObject, MinerJob } from '@aitbc/protocol';
import { afterEach, expect, test, vi } from 'vitest';
import { type ReceivedSpan, receiveTraces } from '../../../test/otlp-receiver.ts';
import { actions, startTestCoordinator, type TestCoordinator } from './harness/coordinator.ts';
import { sqlite } from './harness/engines.ts';
import { fileForm, newBatch } from './harness/scenes.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';
const SAMPLED = `00-${TRACE}-${CALLER}-01`;

let coordinator: TestCoordinator | undefined;
afterEach(async () => {
  const stopping = coordinator;
  coordinator = undefined;
  await stopping?.stop();
});

async function start(options: Parameters<typeof startTestCoordinator>[1] = {}) {
  coordinator = await startTestCoordinator(sqlite, options);
  return { coordinator, ...actions(coordinator) };
}

const submitted = async (headers: Record<string, string> = {}, more: object = {}) => {
  const job = { prompt: 'a secret of mine', model: 'llama3.2', ...more };
  const answer = await coordinator?.call<{ job_id: string }>('POST', '/v1/jobs', job, { headers });
  expect(answer?.status).toBe(201);
  return answer?.body.job_id ?? '';
};

const named = (spans: readonly ReceivedSpan[], name: string) => {
  const found = spans.filter(span => span.name === name);
  expect(found, name).toHaveLength(1);
  return found[0] as ReceivedSpan;
};

const spanOf = ({ traceparent }: MinerJob) => traceparent?.split('-')[2];

test('a job is one trace with its caller: submission, queue, attempt and completion', async () => {
  const receiver = await receiveTraces();
  const { coordinator, register, claims } = await start({ otlpEndpoint: receiver.url });
  await register('gpu');
  const id = await submitted({ traceparent: SAMPLED });
  coordinator.moveClock({ seconds: 3 });
  const [claimed] = await claims('gpu');
  if (!claimed) throw new Error('The job was not claimed');
  coordinator.moveClock({ seconds: 5 });
  const usage = { prompt_tokens: 4, completion_tokens: 3 };
  const answer = { miner_id: 'gpu', result: 'an answer of its', usage };
  const headers = { traceparent: claimed.traceparent ?? '' };
  await coordinator.call('POST', `/v1/jobs/${id}/complete`, answer, { headers });

  const spans = await receiver.until('job', 'POST /v1/jobs', 'POST /v1/jobs/:id/complete');
  const request = named(spans, 'POST /v1/jobs');
  expect(request).toMatchObject({ traceId: TRACE, parentSpanId: CALLER, service: 'aitbc' });
  const job = named(spans, 'job');
  expect(job).toMatchObject({ traceId: TRACE, parentSpanId: request.spanId, failed: false });
  expect(job.attributes).toMatchObject({
    ...{ 'aitbc.job.id': id, 'aitbc.job.status': 'completed', 'gen_ai.request.model': 'llama3.2' },
    ...{ 'gen_ai.usage.input_tokens': 4, 'gen_ai.usage.output_tokens': 3 },
  });
  expect(job.end - job.start).toBe(8_000);
  const queue = named(spans, 'queue');
  expect(queue).toMatchObject({ parentSpanId: job.spanId, start: job.start, end: job.start + 3_000 });
  const attempt = named(spans, 'attempt');
  expect(attempt).toMatchObject({
    parentSpanId: job.spanId,
    spanId: spanOf(claimed),
    start: queue.end,
    end: job.end,
  });
  expect(attempt.attributes).toMatchObject({ 'aitbc.miner.id': 'gpu', 'aitbc.attempt.outcome': 'completed' });
  expect(named(spans, 'POST /v1/jobs/:id/complete').parentSpanId).toBe(attempt.spanId);
  expect(receiver.text()).not.toMatch(/a secret of mine|an answer of its/);
});

test('each attempt is a span, also those that failed elsewhere and those of another process', async () => {
  const receiver = await receiveTraces();
  const { coordinator, register, claim, fail, complete } = await start({ otlpEndpoint: receiver.url });
  await register('first');
  await register('second');
  const id = await submitted({ traceparent: SAMPLED });
  const before = await claim(id, 'first');
  await coordinator.restart();
  await fail(id, 'first', { error_class: 'broken', error: 'what the engine said' });
  coordinator.moveClock({ seconds: 60 });
  const after = await claim(id, 'second');
  await complete(id, 'second');
  const spans = await receiver.until('job');
  const job = named(spans, 'job');
  const attempts = spans.filter(({ name }) => name === 'attempt');
  expect(attempts).toEqual([
    expect.objectContaining({ spanId: spanOf(before), parentSpanId: job.spanId, failed: true }),
    expect.objectContaining({ spanId: spanOf(after), parentSpanId: job.spanId, failed: false }),
  ]);
  expect(attempts[0]?.attributes).toMatchObject({
    'error.type': 'failed',
    'aitbc.attempt.outcome': 'retried',
  });
  expect(receiver.text()).not.toContain('what the engine said');
});

test('without a caller’s trace a request for a job begins one, and other requests do not', async () => {
  const receiver = await receiveTraces();
  const { register, claims } = await start({ otlpEndpoint: receiver.url });
  await register('gpu');
  const id = await submitted();
  const [claimed] = await claims('gpu');
  expect(claimed?.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  await coordinator?.call('POST', `/v1/jobs/${id}/cancel`);
  const spans = await receiver.until('job');
  expect(named(spans, 'POST /v1/jobs').parentSpanId).toBeUndefined();
  expect(named(spans, 'attempt').attributes).toMatchObject({ 'aitbc.attempt.outcome': 'cancelled' });
  expect(new Set(spans.map(({ name }) => name))).toEqual(
    new Set(['POST /v1/jobs', 'job', 'queue', 'attempt']),
  );
});

test('a trace that its caller does not record is handed on and not recorded', async () => {
  const receiver = await receiveTraces();
  const { register, claims, complete } = await start({ otlpEndpoint: receiver.url });
  await register('gpu');
  const unrecorded = await submitted({ traceparent: `00-${TRACE}-${CALLER}-00` });
  const [claimed] = await claims('gpu');
  expect(claimed?.traceparent).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
  await complete(unrecorded, 'gpu');
  await submitted({ traceparent: SAMPLED.replace(TRACE, 'f'.repeat(32)) });
  expect((await receiver.until('POST /v1/jobs')).map(({ traceId }) => traceId)).toEqual(['f'.repeat(32)]);
});

test.each([
  ['as it came where the coordinator exports nothing', SAMPLED, SAMPLED],
  ['not at all if it is invalid', `00-${'0'.repeat(32)}-${CALLER}-01`, undefined],
  ['without the parts of a later version', `01-${TRACE}-${CALLER}-01-what-follows`, SAMPLED],
])('the miner gets a caller’s traceparent %s', async (_, traceparent, handed) => {
  const { register, claims } = await start();
  await register('gpu');
  await submitted({ traceparent });
  expect((await claims('gpu'))[0]?.traceparent).toBe(handed);
});

test('requests of OpenAI’s API and batches of jobs lead to jobs in the caller’s trace', async () => {
  const { coordinator, register, claims } = await start();
  await register('gpu', { concurrency: 3 });
  const headers = { traceparent: SAMPLED };
  const chat = { model: 'llama3.2', messages: [{ role: 'user', content: 'Hello' }] };
  const leaving = new AbortController();
  const asked = coordinator.call('POST', '/v1/chat/completions', chat, { headers, signal: leaving.signal });
  const jobs = [{ model: 'llama3.2', prompt: 'one', replication: 1 }];
  await coordinator.call('POST', '/v1/jobs/batch', { jobs }, { headers });
  await vi.waitFor(async () => {
    const { body } = await coordinator.call<object[]>('GET', '/v1/jobs');
    expect(body).toHaveLength(2);
  }, 30_000);
  expect((await claims('gpu', 3)).map(({ traceparent }) => traceparent)).toEqual([SAMPLED, SAMPLED]);
  leaving.abort();
  await expect(asked).rejects.toThrow();
});

test('the jobs of a batch are in the trace that its request brings, and in none without', async () => {
  const { coordinator, register, claims } = await start();
  await register('gpu', { concurrency: 2 });
  const line = { custom_id: 'one', method: 'POST', url: '/v1/completions' };
  const body = { model: 'llama3.2', prompt: 'Hello' };
  const file = fileForm(JSON.stringify({ ...line, body }));
  const uploaded = await coordinator.call<FileObject>('POST', '/v1/files', file);
  const traced = async (headers: Record<string, string>) => {
    await coordinator.call('POST', '/v1/batches', newBatch(uploaded.body.id), { headers });
    for (;;) {
      await coordinator.running.sweep();
      const [claimed] = await claims('gpu');
      if (claimed) return claimed.traceparent;
    }
  };
  expect([await traced({ traceparent: SAMPLED }), await traced({})]).toEqual([SAMPLED, undefined]);
});

test('a spot check has a trace of its own, in which its job is named', async () => {
  const receiver = await receiveTraces();
  const { register, claims, complete } = await start({ otlpEndpoint: receiver.url, spotCheck: 1 });
  for (const id of ['first', 'second']) await register(id);
  const id = await submitted({ traceparent: SAMPLED }, { params: { temperature: 0, seed: 1 } });
  await claims('first');
  await complete(id, 'first');
  const [check] = await claims('second');
  expect(check?.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  expect(check?.traceparent).not.toContain(TRACE);
  await complete(check?.job_id ?? '', 'second');
  const [, traceId] = check?.traceparent?.split('-') ?? [];
  const run = (await receiver.until('job', 'run')).filter(span => span.traceId === traceId);
  expect(named(run, 'run').attributes).toMatchObject({
    'aitbc.job.id': check?.job_id,
    'aitbc.job.run_of': id,
  });
});

test('a receiver that hangs or is away delays no job, and the log says so once', async () => {
  const receiver = await receiveTraces(() => {});
  vi.stubEnv('OTEL_EXPORTER_OTLP_TIMEOUT', '50');
  const lines: string[] = [];
  const failed = Promise.withResolvers<void>();
  const logStream = {
    write(line: string) {
      lines.push(line);
      if (line.includes('traces could not be exported')) failed.resolve();
    },
  };
  const { register, claims, complete } = await start({
    ...{ otlpEndpoint: receiver.url, logLevel: 'warn', logStream },
  });
  await register('gpu', { concurrency: 10 });
  for (let round = 0; round < 20; round++) {
    const id = await submitted();
    await claims('gpu');
    await complete(id, 'gpu');
  }
  await failed.promise;
  expect(lines.filter(line => line.includes('traces could not be exported'))).toHaveLength(1);
});

test.each([
  [{ otlpEndpoint: 'collector:4318' }, {}, '--otlp-endpoint must be a URL'],
  [
    { otlpEndpoint: 'http://127.0.0.1:4317' },
    { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
    'OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf or http/json, not grpc',
  ],
])('%o and %o are refused at the start', async (options, variables, message) => {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  await expect(start(options)).rejects.toThrow(message);
  vi.unstubAllEnvs();
});
