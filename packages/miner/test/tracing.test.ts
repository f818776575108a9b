import { openTracing } from '@aitbc/tracing';
import { expect, test } from 'vitest';
import { receiveTraces } from '../../../test/otlp-receiver.ts';
import { openAiBackend } from '../src/index.ts';
import { withCoordinator } from './coordinator.ts';
import { chunks, json, serve } from './inference-server.ts';
import { mine } from './mining.ts';

const coordinator = withCoordinator();

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const traceparent = `00-${TRACE}-00f067aa0ba902b7-01`;

const event = (data: object) => `data: ${JSON.stringify(data)}\n\n`;
const ANSWER = [
  event({ choices: [{ index: 0, delta: { content: 'It scatters light.' }, finish_reason: 'stop' }] }),
  event({ choices: [], usage: { prompt_tokens: 14, completion_tokens: 4, total_tokens: 18 } }),
  'data: [DONE]\n\n',
];

const engine = () =>
  serve({
    '/v1/models': json(200, { object: 'list', data: [{ id: 'llama3.2' }] }),
    '/v1/chat/completions': chunks('text/event-stream', ANSWER),
    '/v1/embeddings': json(500, { error: { message: 'Why is the sky blue?' } }),
  });

const chat = { model: 'llama3.2', messages: [{ role: 'user' as const, content: 'Why is the sky blue?' }] };

test('a miner’s span continues the job’s trace, and the engine gets it', async () => {
  const receiver = await receiveTraces();
  const { url, asked } = await engine();
  const tracing = await openTracing({
    service: 'a-miner',
    version: '1',
    endpoint: receiver.url,
    onFault() {},
  });
  const { client } = coordinator;
  const miner = await mine({ client, backend: openAiBackend({ url }), tracing });
  const job = await client.jobs.submit({ ...chat, params: { max_tokens: 9 } }, { traceparent, wait: 10 });
  expect(job.status).toBe('completed');
  const [span] = await receiver.until('chat llama3.2');
  expect(span).toMatchObject({
    service: 'a-miner',
    traceId: TRACE,
    parentSpanId: '00f067aa0ba902b7',
    failed: false,
  });
  expect(span?.attributes).toEqual({
    ...{ 'aitbc.job.id': job.job_id, 'aitbc.attempt': 1 },
    ...{
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'llama3.2',
    },
    ...{ 'gen_ai.request.max_tokens': 9, 'gen_ai.response.finish_reasons': ['stop'] },
    ...{ 'gen_ai.usage.input_tokens': 14, 'gen_ai.usage.output_tokens': 4 },
  });
  const completion = asked.find(({ path }) => path === '/v1/chat/completions');
  expect(completion?.headers.traceparent).toBe(`00-${TRACE}-${span?.spanId}-01`);

  await client.jobs.submit(
    { model: 'llama3.2', input: ['Why is the sky blue?'], max_attempts: 1 },
    { traceparent, wait: 10 },
  );
  const failed = (await receiver.until('embeddings llama3.2')).find(({ failed }) => failed);
  expect(failed?.attributes).toMatchObject({ 'gen_ai.operation.name': 'embeddings', 'error.type': 'broken' });
  expect(receiver.text()).not.toMatch(/sky|scatters/);
  await miner.quit();
  await tracing?.close();
});

test('without an export the engine gets the job’s own place in the trace, and no other job has one', async () => {
  const { url, asked } = await engine();
  const { client } = coordinator;
  const miner = await mine({ client, backend: openAiBackend({ url }), maxJobs: 2 });
  await client.jobs.submit(chat, { traceparent, wait: 10 });
  await client.jobs.submit(chat, { wait: 10 });
  await miner.done;
  const headers = asked.filter(({ path }) => path === '/v1/chat/completions').map(({ headers }) => headers);
  expect(headers.map(each => each.traceparent)).toEqual([traceparent, undefined]);
});
