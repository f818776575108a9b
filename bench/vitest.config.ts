import { defineConfig } from 'vitest/config';

/** Separate from the other tests, since a benchmark that shares its cores with them measures nothing. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    globalSetup: '../test/postgres-setup.ts',
    include: ['*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
});
