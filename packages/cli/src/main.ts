import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { boundYoungGeneration, isServer } from './small-heap.ts';

if (isServer(process.argv)) boundYoungGeneration(process);

// Compiling takes most of the time of a small command, so its result is cached. Without a writable cache,
// each start compiles again.
enableCompileCache(join(import.meta.dirname, '../../../node_modules/.cache/compiled'));
const [{ processIo }, { runCli }] = await Promise.all([import('./io.ts'), import('./program.ts')]);

process.exitCode = await runCli(process.argv.slice(2), processIo());
