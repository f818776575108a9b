import { defineConfig } from 'vitest/config';

/**
 * Separate from the other tests, since it builds, packs and installs. What it installs should be in npm's
 * cache.
 */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['*.packages.ts'],
    testTimeout: 120_000,
    hookTimeout: 300_000,
    fileParallelism: false,
  },
});
