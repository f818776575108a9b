import { defineConfig } from 'vitest/config';

/** Separate from the other tests, since it takes a minute and keeps a core busy. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['*.openapi.ts'],
    testTimeout: 300_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
});
