import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gunzipSync } from 'node:zlib';
import type { JobSummary, Problem, PublicKeys, Receipt } from '@aitbc/protocol';
import { verifyReceipt } from '@aitbc/receipts';
import { Kysely, Migrator, PostgresDialect, sql } from 'kysely';
import { Pool } from 'pg';
import { describe, expect, test } from 'vitest';
import { startCoordinator } from '../src/index.ts';
import { POSTGRES_TYPES } from '../src/store/migrations/column-types.ts';
import { MIGRATIONS } from '../src/store/migrations/migrate.ts';
import { actions } from './harness/coordinator.ts';
import { type Database, ENGINES, type Engine } from './harness/engines.ts';

/** Stores that coordinators of earlier versions filled (stores/make.mjs): one for each schema that there was. */
const STORES = join(import.meta.dirname, 'stores');
/** A few seconds after they were made. */
const NOW = Date.parse('2026-11-30T11:16:30Z');

const versions = (await readdir(STORES))
  .filter(name => name.endsWith('.json.gz'))
  .map(name => name.replace('.json.gz', ''))
  .sort();

test('there is a store of every schema up to the last one that was released', () => {
  const released = Object.keys(MIGRATIONS).filter(name => name <= '011-trust');
  expect(versions).toEqual(released);
});

describe.each(ENGINES)('a populated store on $name', engine => {
  // The steps are written once for both engines.
  const chosen = engine.name === 'sqlite' ? versions : versions.filter((_, at) => at % 4 === 0);
  test.each(chosen)('of the schema %s is upgraded whole, and goes on', async version => {
    const database = await populated(engine, version);
    const running = await startCoordinator({
      ...{ port: 0, logLevel: 'silent', sweepSeconds: 60, ledgerInterval: 3600, now: () => NOW },
      ...database.options,
    });
    try {
      const call = callerOf(running.url);
      const jobs = await call<JobSummary[]>('GET', '/v1/jobs?limit=100');
      expect(Map.groupBy(jobs.body, job => job.status).get('completed')).toHaveLength(3);
      const statuses = new Set(jobs.body.map(job => job.status));
      expect(statuses).toEqual(new Set(['completed', 'failed', 'cancelled', 'pending', 'running']));

      const {
        body: { keys },
      } = await call<PublicKeys>('GET', '/v1/keys');
      const { body: receipts } = await call<Receipt[]>('GET', '/v1/receipts');
      const verdicts = await Promise.all(receipts.map(receipt => verifyReceipt(receipt, { keys })));
      expect(verdicts.map(({ valid }) => valid)).toEqual([true, true, true]);

      const lived = await liveOn(actions({ call } as never));
      expect(lived.status).toBe('completed');
      await running.publish();
      const { body: entries } = await call<object[]>('GET', '/explorer/transactions?limit=100');
      expect(entries).toHaveLength(4);
    } finally {
      await running.close();
      await database.remove();
    }
  });
});

/** The life of a job that was waiting before, and of a new one. */
async function liveOn({ register, submit, claims, complete, job }: ReturnType<typeof actions>) {
  await register('new-miner', {
    capabilities: ['llama3.2'],
    gpu_info: { memory: '24GB' },
    region: 'eu-west',
  });
  const { job_id } = await submit({ prompt: 'After the upgrade' });
  const held = await claims('new-miner', 10);
  expect(held.map(({ prompt }) => prompt)).toContain('This one waits');
  await complete(job_id, 'new-miner');
  return await job(job_id);
}

function callerOf(url: string) {
  return async <Body>(method: string, path: string, body?: unknown) => {
    const answer = await fetch(new URL(path, url), {
      method,
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Body & Problem };
  };
}

async function populated(engine: Engine, version: string): Promise<Database> {
  const database = await engine.create();
  const files: Record<string, string> = JSON.parse(
    gunzipSync(await readFile(join(STORES, `${version}.json.gz`))).toString(),
  );
  await mkdir(database.options.data, { recursive: true });
  for (const [name, base64] of Object.entries(files))
    await writeFile(join(database.options.data, name), Buffer.from(base64, 'base64'), { mode: 0o600 });
  const { data, databaseUrl } = database.options;
  if (databaseUrl !== undefined) await moveToPostgres(join(data, 'coordinator.db'), databaseUrl);
  return database;
}

/** The same rows in the schema that PostgreSQL had at that version. */
async function moveToPostgres(file: string, databaseUrl: string): Promise<void> {
  const source = new DatabaseSync(file);
  const db = new Kysely<Record<string, Record<string, unknown>>>({
    dialect: new PostgresDialect({ pool: new Pool({ connectionString: databaseUrl, max: 1 }) }),
  });
  try {
    const done = source.prepare('SELECT name FROM kysely_migration').all();
    const steps = Object.entries(MIGRATIONS).filter(([name]) => done.some(row => row.name === name));
    const migrations = Object.fromEntries(
      steps.map(([name, up]) => [name, { up: (db: Kysely<unknown>) => up(db, POSTGRES_TYPES) }]),
    );
    const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
    const { error } = await migrator.migrateToLatest();
    if (error) throw error;
    const tables = source
      .prepare(`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'kysely%'`)
      .all();
    for (const { name } of tables) {
      const table = String(name);
      await db.deleteFrom(table).execute();
      const rows = source.prepare(`SELECT * FROM "${table}"`).all();
      if (rows.length > 0)
        await db
          .insertInto(table)
          .values(rows as never)
          .execute();
    }
    // Rows that came with their numbers leave the server's own counters behind.
    for (const table of ['account', 'fair_clock', 'queue'])
      await sql`SELECT setval(pg_get_serial_sequence(${table}, 'id'), (SELECT max(id) FROM ${sql.table(table)}))`.execute(
        db,
      );
  } finally {
    source.close();
    await db.destroy();
  }
}
