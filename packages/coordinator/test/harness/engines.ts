import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';
import { createTestDatabase } from '../../../../test/postgres.ts';
import type { StartOptions } from '../../src/index.ts';

/** A database that a coordinator can run on, made afresh for each test that asks. */
export interface Engine {
  name: string;
  /** Options that name an empty database, and how to get rid of it. */
  create(): Promise<{ options: Pick<StartOptions, 'data' | 'databaseUrl'>; remove(): Promise<void> }>;
}

const sqlite: Engine = {
  name: 'sqlite',
  async create() {
    const data = await mkdtemp(join(tmpdir(), 'aitbc-coordinator-'));
    return { options: { data }, remove: () => rm(data, { recursive: true, force: true }) };
  },
};

const postgres: Engine = {
  name: 'postgres',
  async create() {
    // For the signing key.
    const { options, remove } = await sqlite.create();
    // It goes with its server, when all tests are over: dropping it takes longer than making it.
    const { url } = await createTestDatabase();
    return { options: { ...options, databaseUrl: url }, remove };
  },
};

export const ENGINES: readonly Engine[] = [sqlite, postgres];

/** The same behaviour on every engine. */
export function describeEachEngine(behaviour: string, body: (engine: Engine) => void): void {
  for (const engine of ENGINES) describe(`${behaviour} (${engine.name})`, () => body(engine));
}
