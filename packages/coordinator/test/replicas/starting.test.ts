import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createTestDatabase } from '../../../../test/postgres.ts';
import { type RunningCoordinator, type StartOptions, startCoordinator } from '../../src/index.ts';

const WAIT = { timeout: 15_000 };
/** What tells Kysely's migrators apart from all other users of advisory locks. */
const MIGRATION_LOCK = '3853314791062309107';

/** An empty database, a connection to it, and how to start a coordinator on it with a key that all of them share. */
async function emptyDatabase() {
  const { url } = await createTestDatabase();
  const data = await mkdtemp(join(tmpdir(), 'aitbc-starting-'));
  const database = new Client(url);
  await database.connect();
  const running: Promise<RunningCoordinator>[] = [];
  onTestFinished(async () => {
    for (const started of await Promise.allSettled(running))
      if (started.status === 'fulfilled') await started.value.close();
    await database.end();
    await rm(data, { recursive: true });
  });
  const start = (options: StartOptions = {}) => {
    const started = startCoordinator({ data, databaseUrl: url, port: 0, logLevel: 'silent', ...options });
    running.push(started);
    return started;
  };
  return { database, start };
}

const submit = ({ url }: RunningCoordinator) =>
  fetch(`${url}/v1/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: 'Hello', model: 'llama3.2' }),
  });

test.each([1, 2, 3])(
  'coordinators that start at once on an empty database all come up as one (%i)',
  async () => {
    const { start } = await emptyDatabase();
    const all = await Promise.all(
      // Each waits for the writes of the four others, on cores that other tests use too.
      Array.from({ length: 5 }, () => start({ databaseTimeoutSeconds: 60 })),
    );
    expect(new Set(all.map(({ modules }) => modules.coordinatorId)).size).toBe(1);
    const answers = await Promise.all(all.map(submit));
    expect(answers.map(({ status }) => status)).toEqual(Array(5).fill(201));
  },
);

test('a coordinator waits for the migration of another one, however long that takes', async () => {
  const { database, start } = await emptyDatabase();
  await database.query(`SELECT pg_advisory_lock(${MIGRATION_LOCK})`);
  const started = start({ databaseTimeoutSeconds: 1 });
  const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database()
    AND wait_event = 'advisory' AND clock_timestamp() - query_start > interval '2.5 seconds'`;
  await Promise.race([
    started,
    vi.waitUntil(async () => (await database.query(waiting)).rowCount === 1, WAIT),
  ]);
  await database.query(`SELECT pg_advisory_unlock(${MIGRATION_LOCK})`);
  expect((await submit(await started)).status).toBe(201);
});

test('a coordinator goes on when a newer one has changed its tables', async () => {
  const { database, start } = await emptyDatabase();
  const coordinator = await start();
  expect((await submit(coordinator)).status).toBe(201);
  await database.query('ALTER TABLE fair_clock ADD COLUMN added text');
  const statuses: number[] = [];
  await vi.waitUntil(
    async () => statuses.push((await submit(coordinator)).status) && statuses.at(-1) === 201,
    WAIT,
  );
  expect(new Set(statuses).difference(new Set([201, 503]))).toEqual(new Set());
});
