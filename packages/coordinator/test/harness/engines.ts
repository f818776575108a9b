import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Client } from 'pg';
import { describe } from 'vitest';
import { createTestDatabase } from '../../../../test/postgres.ts';

/** A database that a coordinator can run on, made afresh for each test that asks. */
export interface Engine {
  name: string;
  /** An empty database, and how to get rid of it. */
  create(): Promise<Database>;
}

export interface Database {
  options: DatabaseOptions;
  remove(): Promise<void>;
}

/** The options that name it: SQLite in the folder unless there is a URL. */
export interface DatabaseOptions {
  data: string;
  databaseUrl?: string;
}

/** The same in the words of each engine. */
export interface Statements {
  sqlite: string;
  postgres: string;
}

/** Changes a database behind its coordinator's back. */
export async function execute(
  { data, databaseUrl }: DatabaseOptions,
  { sqlite, postgres }: Statements,
): Promise<void> {
  if (databaseUrl === undefined) {
    const database = new DatabaseSync(join(data, 'coordinator.db'));
    database.exec(sqlite);
    return database.close();
  }
  const client = new Client(databaseUrl);
  await client.connect();
  await client.query(postgres);
  await client.end();
}

const sqlite: Engine = {
  name: 'sqlite',
  async create() {
    const data = await mkdtemp(join(tmpdir(), 'aitbc-coordinator-'));
    return { options: { data }, remove: () => rm(data, { recursive: true, force: true }) };
  },
};

/** Databases are made by `create` unless they are there; they go with their server, which takes less time. */
const postgresOn = (create: () => Promise<string>): Engine => ({
  name: 'postgres',
  async create() {
    // For the signing key.
    const { options, remove } = await sqlite.create();
    return { options: { ...options, databaseUrl: await create() }, remove };
  },
});

const postgres = postgresOn(async () => (await createTestDatabase()).url);

/** PostgreSQL with a database that is there already. */
export const postgresAt = (databaseUrl: string): Engine => postgresOn(async () => databaseUrl);

export const ENGINES: readonly Engine[] = [sqlite, postgres];

/** The same behaviour on every engine. */
export function describeEachEngine(behaviour: string, body: (engine: Engine) => void): void {
  for (const engine of ENGINES) describe(`${behaviour} (${engine.name})`, () => body(engine));
}
