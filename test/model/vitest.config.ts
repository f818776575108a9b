import { defineConfig } from 'vitest/config';

/** Apart from the other tests, since it fetches 200 MB once and keeps every core busy. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['*.model.ts'],
    globalSetup: 'prepare.ts',
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
