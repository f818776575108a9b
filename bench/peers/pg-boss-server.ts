import { randomUUID } from 'node:crypto';
import { Pool } from 'pg';
import { PgBoss } from 'pg-boss';
import { CONNECTIONS, peerOptions } from './options.ts';
import { type PeerQueue, serve, type Work } from './serve.ts';
import { together } from './together.ts';

const QUEUE = 'inference';

/** Each request is one call of pg-boss. Results are the outputs of the jobs. */
function oneByOne(boss: PgBoss): PeerQueue {
  return {
    async submit(work) {
      const id = await boss.send(QUEUE, work);
      if (id === null) throw new Error('pg-boss did not take the job');
      return id;
    },
    async claim() {
      const [job] = await boss.fetch<Work>(QUEUE);
      return job && { id: job.id, ...job.data };
    },
    async complete(id, result) {
      await boss.complete(QUEUE, id, { result });
    },
    close: () => boss.stop(),
  };
}

/**
 * Concurrent requests share one call. `complete` takes one output for all its jobs, so results go to a
 * separate table in the same transaction.
 */
async function batched(boss: PgBoss, pool: Pool): Promise<PeerQueue> {
  await pool.query('CREATE TABLE result (job_id uuid PRIMARY KEY, result text NOT NULL)');

  async function completeAll(results: { id: string; result: string }[]): Promise<string[]> {
    const client = await pool.connect();
    const ids = results.map(({ id }) => id);
    const db = { executeSql: (text: string, values?: unknown[]) => client.query(text, values) };
    try {
      await client.query('BEGIN');
      await client.query({
        name: 'results',
        text: 'INSERT INTO result SELECT * FROM unnest($1::uuid[], $2::text[])',
        values: [ids, results.map(({ result }) => result)],
      });
      await boss.complete(QUEUE, ids, null, { db });
      await client.query('COMMIT');
      client.release();
    } catch (error) {
      client.release(true);
      throw error;
    }
    return ids;
  }

  const submit = together(async (jobs: { id: string; data: Work }[]) => {
    await boss.insert(QUEUE, jobs);
    return jobs.map(({ id }) => id);
  });
  const claim = together(async (claims: undefined[]) => {
    const jobs = await boss.fetch<Work>(QUEUE, { batchSize: claims.length });
    return claims.map((_, index) => jobs[index]);
  });
  const complete = together(completeAll);
  return {
    submit: work => submit({ id: randomUUID(), data: work }),
    async claim() {
      const job = await claim(undefined);
      return job && { id: job.id, ...job.data };
    },
    async complete(id, result) {
      await complete({ id, result });
    },
    async close() {
      await boss.stop();
      await pool.end();
    },
  };
}

const options = peerOptions();
const connectionString = options.databaseUrl;
const boss = new PgBoss({ connectionString, max: CONNECTIONS });
boss.on('error', error => console.error(error));
await boss.start();
await boss.createQueue(QUEUE);
await serve(options.batched ? await batched(boss, new Pool({ connectionString })) : oneByOne(boss));
