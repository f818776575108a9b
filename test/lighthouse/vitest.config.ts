import { defineConfig } from 'vitest/config';

/** Separate from the other tests, since Lighthouse brings 150 packages, and takes a core for a quarter of a minute. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['*.lighthouse.ts'],
    testTimeout: 300_000,
    hookTimeout: 60_000,
  },
});
