import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { defineConfig, type Plugin } from 'vitest/config';
import { programs, withWriterThread } from './test/programs.ts';
import { keepFilesInMemory } from './test/temporary-folder.ts';

// Starting coordinators is most of what the tests do, and half of that is compiling. Inherited by all processes.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'node_modules/.cache/compiled');

keepFilesInMemory();

/** Coordinators in the tests' own processes start the thread that writes from its bundle, too. */
function bundledWriterThread(): Plugin {
  const address = pathToFileURL(programs().writerThread).href;
  return {
    name: 'bundled writer thread',
    enforce: 'pre',
    transform: (code, id) =>
      id.endsWith('/packages/coordinator/src/coordinator.ts')
        ? withWriterThread(code, `new URL('${address}')`)
        : undefined,
  };
}

export default defineConfig({
  plugins: [bundledWriterThread()],
  test: {
    include: ['packages/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts'],
    globalSetup: ['test/programs-setup.ts', 'test/postgres-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // The files of a process share its modules: loading them anew for each file would be half of what the suite costs.
    isolate: false,
    unstubEnvs: true,
    // Tests wait more than they compute. They share one PostgreSQL, which takes so many connections.
    maxWorkers: Math.min(availableParallelism() + 1, 5),
  },
});
