import type { TestProject } from 'vitest/node';
import { startPostgres } from './postgres.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** URL of the server that all tests share, as its superuser. Undefined where PostgreSQL doesn't start. */
    postgres: string | undefined;
  }
}

/** Tests that kill or measure a PostgreSQL start one of their own, which syncs. */
const IT_NEVER_CRASHES = { fsync: 'off', full_page_writes: 'off' };

/** Tests that need no PostgreSQL run without; in CI, which must have everything, the whole run fails. */
export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  try {
    const server = await startPostgres({ settings: IT_NEVER_CRASHES });
    project.provide('postgres', server.url('postgres'));
    return () => server.stop();
  } catch (error) {
    if (process.env.CI) throw error;
    console.error('Tests that need PostgreSQL will fail:', error);
  }
}
