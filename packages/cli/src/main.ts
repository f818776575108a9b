import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// Compiling is most of what a command takes that does little. Where nothing can be written, it is compiled each time.
enableCompileCache(join(import.meta.dirname, '../../../node_modules/.cache/compiled'));
const [{ processIo }, { runCli }] = await Promise.all([import('./io.ts'), import('./program.ts')]);

process.exitCode = await runCli(process.argv.slice(2), processIo());
