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

/** The lock that whoever writes holds. */
const WRITE_LOCK = '741833101, hashtext(current_schema())';

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

const detailOf = async (answer: Response) => [
  answer.status,
  ((await answer.json()) as { detail?: string }).detail,
];

test.each([1, 2])(
  'coordinators that start at once on an empty database all come up as one (%i)',
  async () => {
    const { start } = await emptyDatabase();
    // They share a data folder, and so the file of the last checkpoint.
    const all = await Promise.all(Array.from({ length: 5 }, () => start({ ledgerInterval: 0.05 })));
    expect(new Set(all.map(({ modules }) => modules.coordinatorId)).size).toBe(1);
    const answers = await Promise.all(all.map(submit));
    expect(await Promise.all(answers.map(detailOf))).toEqual(Array(5).fill([201, undefined]));
  },
);

test.each([
  ['the migration of another one', MIGRATION_LOCK, /^waiting for the schema of the database/],
  [
    'a write of another one',
    WRITE_LOCK,
    /^waiting for the database, which is slow to answer \(.*statement timeout/,
  ],
])(
  'a coordinator that starts waits for %s, for longer than its timeout, and says so',
  async (_what, lock, line) => {
    const { database, start } = await emptyDatabase();
    await database.query(`SELECT pg_advisory_lock(${lock})`);
    const lines: string[] = [];
    const logStream = { write: (text: string) => lines.push(JSON.parse(text).msg) };
    const started = start({ databaseTimeoutSeconds: 1, logLevel: 'info', logStream });
    await Promise.race([started, vi.waitUntil(() => lines.some(text => line.test(text)), WAIT)]);
    await database.query(`SELECT pg_advisory_unlock(${lock})`);
    expect((await submit(await started)).status).toBe(201);
  },
);

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
