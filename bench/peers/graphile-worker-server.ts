import { randomUUID } from 'node:crypto';
import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import { Pool } from 'pg';
import { CONNECTIONS, peerOptions } from './options.ts';
import { type PeerQueue, serve, type Work } from './serve.ts';
import { together } from './together.ts';

/*
 * graphile-worker has no call that claims a job: since 0.17 its runner contains the statements that take and
 * complete jobs. So a runner takes jobs in advance, and the task of each waits here for a miner to claim it
 * and to send its result. After the task the runner deletes the job; a separate table keeps the result and
 * the prompt.
 */

const TASK = 'inference';

/**
 * The most jobs that the runner takes before earlier ones are completed, which is more than miners claim at
 * once.
 */
const AHEAD = 256;

/** The manual's settings for high throughput: many jobs are taken and completed at once. */
const PRESET = {
  worker: { localQueue: { size: AHEAD }, completeJobBatchDelay: 0, failJobBatchDelay: 0 },
};

const CLAIM_TIMEOUT_MS = 5_000;

/** A job that the runner took. */
interface Taken extends Work {
  id: string;
  succeed(): void;
  fail(error: unknown): void;
}

interface Result extends Work {
  id: string;
  result: string;
}

const options = peerOptions();
const pgPool = new Pool({ connectionString: options.databaseUrl, max: CONNECTIONS });
/** No miner has claimed these yet. */
const offered: Taken[] = [];
const waitingMiners: ((job: Taken | undefined) => void)[] = [];
const claimed = new Map<string, Taken>();

const runner = await run({
  pgPool,
  taskList: {
    [TASK]: payload =>
      new Promise<void>((succeed, fail) => offer({ ...(payload as Payload), succeed, fail })),
  },
  crontab: '',
  concurrency: AHEAD,
  noHandleSignals: true,
  logger: new Logger(() => (level, message) => level === 'error' && console.error(message)),
  preset: PRESET,
});
const utils = await makeWorkerUtils({ pgPool });
await pgPool.query(
  'CREATE TABLE result (job_id uuid PRIMARY KEY, model text NOT NULL, prompt text NOT NULL, result text NOT NULL)',
);

type Payload = Work & { id: string };

function offer(job: Taken): void {
  const miner = waitingMiners.shift();
  if (miner) miner(job);
  else offered.push(job);
}

/** Waits for a job, as the runner hears of new jobs only after they are stored. */
function nextOffered(): Promise<Taken | undefined> {
  const job = offered.shift();
  if (job) return Promise.resolve(job);
  return new Promise(resolve => {
    const timer = setTimeout(() => {
      waitingMiners.splice(waitingMiners.indexOf(answer), 1);
      resolve(undefined);
    }, CLAIM_TIMEOUT_MS);
    const answer = (job: Taken | undefined) => {
      clearTimeout(timer);
      resolve(job);
    };
    waitingMiners.push(answer);
  });
}

async function store(results: readonly Result[]): Promise<string[]> {
  await pgPool.query({
    name: 'results',
    text: 'INSERT INTO result SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[])',
    values: (['id', 'model', 'prompt', 'result'] as const).map(column => results.map(row => row[column])),
  });
  return results.map(({ id }) => id);
}

const add = options.batched
  ? together((payloads: Payload[]) => utils.addJobs(payloads.map(payload => ({ identifier: TASK, payload }))))
  : (payload: Payload) => utils.addJob(TASK, payload);
const keep = options.batched ? together(store) : (result: Result) => store([result]);

const queue: PeerQueue = {
  async submit(work) {
    const id = randomUUID();
    await add({ id, ...work });
    return id;
  },
  async claim() {
    const job = await nextOffered();
    if (job) claimed.set(job.id, job);
    return job;
  },
  async complete(id, result) {
    const job = claimed.get(id);
    if (!job) throw new Error(`No miner has claimed ${id}`);
    claimed.delete(id);
    const { model, prompt } = job;
    try {
      await keep({ id, model, prompt, result });
      job.succeed();
    } catch (error) {
      job.fail(error);
      throw error;
    }
  },
  async close() {
    const stopped = runner.stop();
    for (const job of [...offered, ...claimed.values()]) job.fail(new Error('The server stops'));
    await stopped;
    await pgPool.end();
  },
};

await serve(queue);
