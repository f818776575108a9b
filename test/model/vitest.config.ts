import { defineConfig } from 'vitest/config';

/** Separate from the other tests, since it downloads 200 MB once and keeps every core busy. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['*.model.ts'],
    globalSetup: 'prepare.ts',
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
