import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';
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

export const ENGINES: readonly Engine[] = [sqlite];

/** The same behaviour on every engine. */
export function describeEachEngine(behaviour: string, body: (engine: Engine) => void): void {
  for (const engine of ENGINES) describe(`${behaviour} (${engine.name})`, () => body(engine));
}
