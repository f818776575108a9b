import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Client } from 'pg';
import { describe } from 'vitest';
import { createTemplate, createTestDatabase } from '../../../../test/postgres.ts';
import { migrateStore, readConfig } from '../../src/index.ts';

/** A database that a coordinator can run on, made afresh for each test that asks. */
export interface Engine {
  name: string;
  /** An empty database, and how to get rid of it. */
  create(): Promise<Database>;
  /** One that a coordinator starts on faster: where that is cheap, the schema is there already. */
  prepare(): Promise<Database>;
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
    // The coordinator writes too: what it has in hand is waited for.
    const database = new DatabaseSync(fileIn({ data }), { timeout: 5_000 });
    database.exec(sqlite);
    return database.close();
  }
  const client = new Client(databaseUrl);
  await client.connect();
  await client.query(postgres);
  await client.end();
}

async function createFolder(): Promise<Database> {
  const data = await mkdtemp(join(tmpdir(), 'aitbc-coordinator-'));
  return { options: { data }, remove: () => rm(data, { recursive: true, force: true }) };
}

const fileIn = ({ data }: DatabaseOptions) => join(data, 'coordinator.db');

async function migrated(): Promise<Buffer> {
  const { options, remove } = await createFolder();
  await migrateStore(readConfig({ given: options }));
  const file = await readFile(fileIn(options));
  await remove();
  return file;
}

let prepared: Promise<Buffer> | undefined;

export const sqlite: Engine = {
  name: 'sqlite',
  create: createFolder,
  /** A copy takes a hundredth of the time of the migrations. */
  async prepare() {
    prepared ??= migrated();
    const folder = await createFolder();
    await writeFile(fileIn(folder.options), await prepared);
    return folder;
  },
};

/** Databases go with their server, which takes less time than to drop them. */
async function onPostgres(databaseUrl: string): Promise<Database> {
  // For the signing key.
  const { options, remove } = await createFolder();
  return { options: { ...options, databaseUrl }, remove };
}

const MIGRATED = 'aitbc_migrated';

let template: Promise<void> | undefined;

/** The URL of a database with the schema. A copy takes a third of the time of the migrations. */
export async function createMigratedDatabase(): Promise<string> {
  template ??= createTemplate(MIGRATED, async databaseUrl => {
    await migrateStore(readConfig({ given: { databaseUrl } }));
  });
  await template;
  return (await createTestDatabase(MIGRATED)).url;
}

const postgres: Engine = {
  name: 'postgres',
  create: async () => await onPostgres((await createTestDatabase()).url),
  prepare: async () => await onPostgres(await createMigratedDatabase()),
};

/** PostgreSQL with a database that is there already. */
export function postgresAt(databaseUrl: string): Engine {
  const open = () => onPostgres(databaseUrl);
  return { name: 'postgres', create: open, prepare: open };
}

export const ENGINES: readonly Engine[] = [sqlite, postgres];

/** The same behaviour on every engine. */
export function describeEachEngine(behaviour: string, body: (engine: Engine) => void): void {
  for (const engine of ENGINES) describe(`${behaviour} (${engine.name})`, () => body(engine));
}

/** Behaviour in which the engine has no part. */
export function describeOneEngine(behaviour: string, body: (engine: Engine) => void): void {
  describe(behaviour, () => body(sqlite));
}
