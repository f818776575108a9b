import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

/*
 * Builds the web app into `dist`, unless it is there for the same sources. `npm ci` and `npm start` run this. A
 * coordinator that serves the files meanwhile finds the old ones or the new ones, whole.
 */

const FOLDER = import.meta.dirname;
const DIST = join(FOLDER, 'dist');
const STATE = join(DIST, '.state');

/** Returns a hash of everything that the build is made from. */
function stateOfSources(): string {
  const packages = join(FOLDER, '..');
  const own = ['index.html', 'package.json', 'vite.config.ts', 'preact.ts', 'build.ts'].map(
    name => `web/${name}`,
  );
  const sources = globSync('{web,sdk,receipts,tlog,protocol}/src/**/*.*', { cwd: packages }).filter(
    file => !/\.(test|stories)\.tsx?$/.test(file),
  );
  const state = createHash('sha256');
  for (const file of [...own, ...sources, '../package-lock.json'].sort())
    state.update(`${file}\0`).update(readFileSync(join(packages, file)));
  return state.digest('hex');
}

/** Resolves with whether it had to build. */
export async function buildWebApp(): Promise<boolean> {
  const state = stateOfSources();
  if (existsSync(STATE) && (await readFile(STATE, 'utf8')) === state) return false;
  const { build } = await import('vite');
  const draft = join(FOLDER, `../../node_modules/.cache/web-${process.pid}`);
  const configFile = join(FOLDER, 'vite.config.ts');
  const environment = process.env.NODE_ENV;
  // In another environment, Vite builds for development: larger files, with the paths of their sources.
  process.env.NODE_ENV = 'production';
  try {
    await build({ configFile, logLevel: 'warn', build: { outDir: draft, emptyOutDir: true } });
  } finally {
    if (environment === undefined) delete process.env.NODE_ENV;
    else process.env.NODE_ENV = environment;
  }
  await compressFiles(join(draft, 'assets'));
  await writeFile(join(draft, '.state'), state);
  const old = `${draft}-old`;
  await rename(DIST, old).catch(() => {});
  // Where another process built the same meanwhile, its files are as good.
  await rename(draft, DIST).catch(() => {});
  for (const folder of [draft, old]) await rm(folder, { recursive: true, force: true });
  return true;
}

const compressBrotli = promisify(brotliCompress);
const compressGzip = promisify(gzip);

/** Fonts and pictures are compressed already. */
const COMPRESSIBLE = /\.(js|css|svg)$/;

async function compressFiles(folder: string): Promise<void> {
  const files = (await readdir(folder)).filter(name => COMPRESSIBLE.test(name));
  await Promise.all(
    files.map(async name => {
      const path = join(folder, name);
      const bytes = await readFile(path);
      const params = { [constants.BROTLI_PARAM_SIZE_HINT]: statSync(path).size };
      await writeFile(`${path}.br`, await compressBrotli(bytes, { params }));
      await writeFile(`${path}.gz`, await compressGzip(bytes, { level: 9 }));
    }),
  );
}

/** Where only the coordinator's own dependencies are installed, it runs without the web app. */
const isViteMissing = (error: unknown) => (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND';

if (import.meta.main)
  await buildWebApp().catch(error => {
    if (!isViteMissing(error)) throw error;
    console.warn('The web app is not built, since Vite is not installed');
  });
