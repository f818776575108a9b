import { enableCompileCache } from 'node:module';
import { boundYoungGeneration, COMPILE_CACHE, isServer } from './small-heap.ts';

if (isServer(process.argv)) boundYoungGeneration(process);

// Compiling takes most of the time of a small command.
enableCompileCache(COMPILE_CACHE);
const [{ processIo }, { runCli }] = await Promise.all([import('./io.ts'), import('./program.ts')]);

process.exitCode = await runCli(process.argv.slice(2), processIo());
