import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';

/** Loads a program of an earlier version, which `make.ts` has made. */
export async function loadVersion<Program>(version: string, name: 'agent' | 'coordinator'): Promise<Program> {
  const folder = await mkdtemp(join(tmpdir(), 'aitbc-version-'));
  try {
    // Node.js itself loads what is installed, where Vitest would transform all of it first.
    const installed = join(folder, 'node_modules', name);
    await mkdir(join(installed, 'dist'), { recursive: true });
    // It reads its version from there.
    const manifest = { version: `${version}.0`, type: 'module' };
    await writeFile(join(installed, 'package.json'), JSON.stringify(manifest));
    const program = join(installed, 'dist/program.js');
    const packed = await readFile(join(import.meta.dirname, `${version}-${name}.mjs.br`));
    await writeFile(program, brotliDecompressSync(packed));
    return await import(pathToFileURL(program).href);
  } finally {
    await rm(folder, { recursive: true });
  }
}
