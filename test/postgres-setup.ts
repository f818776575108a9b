import type { TestProject } from 'vitest/node';
import { startPostgres } from './postgres.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /**
     * The URL of the server that all tests share, as its superuser. Undefined when PostgreSQL does not start.
     */
    postgres: string | undefined;
  }
}

/** Tests that kill or measure a PostgreSQL start their own, which syncs to the disk. */
const IT_NEVER_CRASHES = { fsync: 'off', full_page_writes: 'off' };

/** Tests that need no PostgreSQL run without it. In CI the whole run fails, as it must have everything. */
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
