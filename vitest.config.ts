import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/longest-first.ts';
import { keepFilesInMemory } from './test/temporary-folder.ts';

// Starting coordinators is most of what the tests do, and half of that is compiling. Inherited by all processes.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'node_modules/.cache/compiled');

keepFilesInMemory();

export default defineConfig({
  test: {
    // Node.js itself runs the sources, as it does outside of tests. Vite would transform each file of a fresh checkout.
    experimental: { viteModuleRunner: false },
    include: ['packages/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts'],
    globalSetup: ['test/programs-setup.ts', 'test/postgres-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Vitest's own is a second, in which a busy machine may get nothing done.
    expect: { poll: { timeout: 30_000 } },
    pool: 'forks',
    // The files of a process share its modules: loading them anew for each file would be half of what the suite costs.
    isolate: false,
    unstubEnvs: true,
    // Tests wait more than they compute. They share one PostgreSQL, which takes so many connections.
    maxWorkers: Math.min(availableParallelism() + 2, 5),
    sequence: { sequencer: LongestFirst },
  },
});
