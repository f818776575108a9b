import { setTimeout } from 'node:timers/promises';
import type { Batch, FileObject, MinerJob } from '@aitbc/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningCoordinator, startCoordinator } from '../../src/index.ts';
import { type Database, type DatabaseOptions, describeEachEngine } from '../harness/engines.ts';
import { fileForm, newBatch } from '../harness/scenes.ts';
import { violations } from '../invariants/violations.ts';
import { type ServerProcess, spawnServer } from './server.ts';

const COUNT = 120;
/** Long enough that the answers are several parts of a file. */
const answerTo = (prompt: string | null) => `${prompt}: ${'x'.repeat(3000)}`;

const REQUESTS = Array.from({ length: COUNT }, (_, at) =>
  JSON.stringify({
    custom_id: `request-${at}`,
    method: 'POST',
    url: '/v1/completions',
    body: { model: 'survivor', prompt: `Prompt ${at}` },
  }),
).join('\n');

/** Works a batch off at a server that is killed at each of its stages; answers the lines that it wrote. */
async function batchAndKill(database: DatabaseOptions): Promise<{ batch: Batch; output: string }> {
  const spawn = () => spawnServer(database, { args: ['--sweep-seconds', '0.05'] });
  let server: ServerProcess = spawn();

  async function kill(): Promise<void> {
    server.child.kill('SIGKILL');
    await server.exited;
    server = spawn();
    await server.listening;
  }

  async function call<Body>(method: string, path: string, body?: object): Promise<Body> {
    const form = body instanceof FormData;
    const response = await fetch((await server.listening) + path, {
      method,
      ...(body && !form && { headers: { 'content-type': 'application/json' } }),
      ...(body && { body: form ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${text}`);
    return (response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text) as Body;
  }

  /** Answers whether there was a job. */
  async function work(): Promise<boolean> {
    const { jobs } = await call<{ jobs: MinerJob[] }>('POST', '/v1/miners/gpu/claims', { max: 50 });
    await Promise.all(
      jobs.map(({ job_id, prompt }) =>
        call('POST', `/v1/jobs/${job_id}/complete`, { miner_id: 'gpu', result: answerTo(prompt) }),
      ),
    );
    return jobs.length > 0;
  }

  async function until(isSo: (batch: Batch) => boolean): Promise<Batch> {
    for (;;) {
      const batch = await call<Batch>('GET', `/v1/batches/${id}`);
      if (isSo(batch)) return batch;
      await setTimeout(10);
    }
  }

  const file = await call<FileObject>('POST', '/v1/files', fileForm(REQUESTS));
  const { id } = await call<Batch>('POST', '/v1/batches', newBatch(file.id));
  try {
    await kill();
    await call('POST', '/v1/miners/register', {
      miner_id: 'gpu',
      capabilities: ['survivor'],
      concurrency: 50,
    });
    while (!(await work()));
    await kill();
    while ((await until(() => true)).request_counts.completed < COUNT) await work();
    await until(({ status }) => status !== 'in_progress');
    await kill();
    const batch = await until(({ status }) => status === 'completed');
    return { batch, output: await call<string>('GET', `/v1/files/${batch.output_file_id}/content`) };
  } finally {
    server.child.kill('SIGTERM');
    await server.exited;
  }
}

describeEachEngine('a batch whose server is killed at each of its stages', engine => {
  let database: Database;
  let running: RunningCoordinator;
  let worked: Awaited<ReturnType<typeof batchAndKill>>;

  beforeAll(async () => {
    database = await engine.prepare();
    worked = await batchAndKill(database.options);
    running = await startCoordinator({ ...database.options, port: 0, logLevel: 'silent' });
  }, 60_000);
  afterAll(async () => {
    await running?.close();
    await database.remove();
  });

  test('has each request answered, in the order of its file', () => {
    const answers = worked.output
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line));
    expect(worked.batch.request_counts).toEqual({ total: COUNT, completed: COUNT, failed: 0 });
    expect(answers.map(({ custom_id, response }) => [custom_id, response.body.choices[0].text])).toEqual(
      Array.from({ length: COUNT }, (_, at) => [`request-${at}`, answerTo(`Prompt ${at}`)]),
    );
  });

  test('has made one job for each request, and counts right', async () => {
    const db = running.modules.store.read;
    const jobs = await db.selectFrom('job').select(['status', 'attempts']).execute();
    expect(jobs.length).toBe(COUNT);
    expect(new Set(jobs.map(({ status, attempts }) => `${status} ${attempts}`))).toEqual(
      new Set(['completed 1']),
    );
    expect(await violations(db)).toEqual([]);
  });
});
