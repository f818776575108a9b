import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Batch,
  BatchFailedError,
  type BatchRequest,
  NotFoundError,
  TimeoutError,
} from '../src/index.ts';
import { mineAll, register, withCoordinator } from './coordinator.ts';

const coordinator = withCoordinator();
let stopMining = async () => {};
beforeAll(() => {
  stopMining = mineAll(coordinator.client, 'batched');
});
afterAll(() => stopMining());

const request = (custom_id: string, model = 'batched'): BatchRequest => ({
  custom_id,
  url: '/v1/chat/completions',
  body: { model, messages: [{ role: 'user', content: 'Hello, wörld!' }] },
});

test('a batch is submitted and waited for, and its results come in the order of the requests', async () => {
  const { batches } = coordinator.client;
  const asked = Array.from({ length: 5 }, (_, at) => request(`line-${at}`));
  const { id } = await batches.submit(asked, { metadata: { order: '17' } });
  const batch = await batches.wait(id, { poll: 0.05 });
  expect(batch).toMatchObject({ status: 'completed', completion_window: '24h', metadata: { order: '17' } });
  const results = await Array.fromAsync(batches.results(batch));
  expect(results.map(({ custom_id }) => custom_id)).toEqual(asked.map(({ custom_id }) => custom_id));
  expect(results[0]?.response).toMatchObject({
    status_code: 200,
    body: { choices: [{ message: { content: 'the answer' } }] },
  });
});

test('requests may come from an async iterable, and failed ones are results after the answers', async () => {
  const { batches, jobs, miners } = coordinator.client;
  async function* requests() {
    yield request('wrong', 'refusing');
    yield request('right');
  }
  const minerId = await register(coordinator.client, 'refusing');
  const { id } = await batches.submit(requests());
  const [job] = await miners.claimJobs(minerId, { wait: 10 });
  const failure = { error: 'No such template', error_class: 'refused' } as const;
  await jobs.fail(job?.job_id ?? 'none', { miner_id: minerId, ...failure });
  const seen: Batch['status'][] = [];
  const { status } = await batches.wait(id, { poll: 0.05, onUpdate: ({ status }) => seen.push(status) });
  expect(seen.at(-1)).toBe(status);
  const results = await Array.fromAsync(batches.results(id));
  expect(results.map(({ custom_id, response }) => [custom_id, response?.status_code])).toEqual([
    ['right', 200],
    ['wrong', 400],
  ]);
});

test('results of a batch with a faulty file throw an error that names the line', async () => {
  const { batches } = coordinator.client;
  const { id } = await batches.submit([request('one'), { ...request('two'), body: { model: 'batched' } }]);
  await batches.wait(id, { poll: 0.05 });
  const error = await Array.fromAsync(batches.results(id)).catch(error => error);
  expect(error).toBeInstanceOf(BatchFailedError);
  expect(error.message).toContain('line 2');
  expect(error.batch.errors.data).toEqual([expect.objectContaining({ line: 2, param: 'messages' })]);
});

test('a batch that has not ended has no results yet', async () => {
  const { batches } = coordinator.client;
  const { id } = await batches.submit([request('never', 'nobody-has-it')]);
  await expect(Array.fromAsync(batches.results(id))).rejects.toThrow(/has not ended/);
});

test('a batch without requests is a TypeError', async () => {
  await expect(coordinator.client.batches.submit([])).rejects.toThrow(TypeError);
});

test('a file is uploaded, listed, read by lines and erased', async () => {
  const { files } = coordinator.client;
  const text = '{"a":1}\n\n{"ä":"ö\\u2028"}\n[3]';
  const file = await files.create({ file: text, filename: 'three.jsonl', expiresAfter: 7200 });
  expect(file).toMatchObject({ filename: 'three.jsonl', purpose: 'batch' });
  expect(file.expires_at - file.created_at).toBe(7200);
  expect(await files.get(file.id)).toEqual(file);
  expect((await files.list({ limit: 1 }).page()).items).toEqual([file]);
  expect(await Array.fromAsync(files.lines(file.id))).toEqual([{ a: 1 }, { ä: 'ö\u2028' }, [3]]);
  expect(await (await files.content(file.id)).text()).toBe(text);
  expect(await files.delete(file.id)).toMatchObject({ deleted: true });
  await expect(files.get(file.id)).rejects.toMatchObject({ errorCode: 'file_not_found', status: 404 });
});

test('lists of files and batches continue from page to page', async () => {
  const { files, batches } = coordinator.client;
  const made = [];
  for (const name of ['one', 'two', 'three'])
    made.push(await files.create({ file: `"${name}"`, filename: name }));
  const first = await files.list({ limit: 2, purpose: 'batch' }).page();
  const second = await files.list({ limit: 2, purpose: 'batch', after: first.cursor ?? '' }).page();
  const names = [...first.items, ...second.items].map(({ filename }) => filename).slice(0, 3);
  expect(names).toEqual(['three', 'two', 'one']);
  const all = await Array.fromAsync(files.list({ limit: 2, order: 'asc' }));
  expect(all.slice(-3)).toEqual(made);
  expect((await Array.fromAsync(batches.list({ limit: 1 }))).length).toBeGreaterThan(1);
});

test('a batch is cancelled, and waiting for one ends with the timeout or the signal', async () => {
  const { batches } = coordinator.client;
  const { id } = await batches.submit([request('never', 'nobody-has-it')]);
  await expect(batches.wait(id, { timeout: 100, poll: 0.02 })).rejects.toThrow(TimeoutError);
  const stopping = new AbortController();
  const waiting = batches.wait(id, { signal: stopping.signal, onUpdate: () => stopping.abort('enough') });
  await expect(waiting).rejects.toBe('enough');
  await batches.cancel(id);
  expect(await batches.wait(id, { poll: 0.05 })).toMatchObject({ status: 'cancelled' });
});

test('an error in the shape of the OpenAI API has its class, code, field and request id', async () => {
  const error = await coordinator.client.batches.get('batch_none').catch(error => error);
  expect(error).toBeInstanceOf(NotFoundError);
  expect(error).toMatchObject({ errorCode: 'batch_not_found', requestId: expect.stringMatching(/^req-/) });
  const created = coordinator.client.batches.create({
    input_file_id: 'file-none',
    endpoint: '/v1/embeddings',
    completion_window: 'soon',
  });
  await expect(created).rejects.toMatchObject({ name: 'BadRequestError', field: 'completion_window' });
});

test('models are listed with their abilities', async () => {
  const { models } = coordinator.client;
  expect((await models.list()).map(({ id }) => id)).toContain('batched');
  expect(await models.get('batched')).toMatchObject({ id: 'batched', aitbc: { miners: 1 } });
  await expect(models.get('no/such model')).rejects.toMatchObject({ errorCode: 'model_not_found' });
});
