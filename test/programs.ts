import { createHash } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { build, type Plugin } from 'esbuild';

/*
 * Tests start the command `aitbc` some hundreds of times. Loading its sources and dependencies file by file is
 * most of the cost of a start, so they are bundled once for each state of the sources.
 */

const ROOT = join(import.meta.dirname, '..');

const ENTRIES = {
  main: 'packages/cli/src/main.ts',
  'ledger-steps': 'packages/coordinator/test/crash/ledger-steps.ts',
};

/** Packages that start their own files as threads, or that are optional. */
const EXTERNAL = ['@opentelemetry/*', 'node-llama-cpp', 'pg-native', 'pino', 'pino-pretty'];

export interface Programs {
  /** The command `aitbc`, which Node runs. */
  main: string;
  /** A ledger that kills its own process on its way. */
  ledgerSteps: string;
}

/** Returns the paths of the programs, whether they are built yet or not. */
export function programs(): Programs & { folder: string } {
  const folder = join(ROOT, 'node_modules/.cache/programs', stateOfSources());
  const program = (name: keyof typeof ENTRIES) => join(folder, 'dist', `${name}.js`);
  return {
    folder,
    main: program('main'),
    ledgerSteps: program('ledger-steps'),
  };
}

function stateOfSources(): string {
  const state = createHash('sha256');
  const folders = readdirSync(join(ROOT, 'packages')).map(name => join('packages', name, 'src'));
  const files = folders.flatMap(folder =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map(file => join(folder, file)),
  );
  for (const file of [...files.sort(), ENTRIES['ledger-steps'], 'package-lock.json', 'test/programs.ts']) {
    const { size, mtimeMs } = statSync(join(ROOT, file));
    state.update(`${file} ${size} ${mtimeMs}\n`);
  }
  return state.digest('hex').slice(0, 16);
}

/** A run that began earlier may still use what it has built. */
const KEPT_MS = 3_600_000;

/** Builds the programs, unless they are there. Old ones of other states of the sources are removed. */
export async function buildPrograms(): Promise<void> {
  const { folder, main } = programs();
  if (existsSync(main)) return;
  await removeOld(join(folder, '..'));
  const draft = `${folder}.${process.pid}`;
  await build({
    absWorkingDir: ROOT,
    entryPoints: ENTRIES,
    outdir: join(draft, 'dist'),
    bundle: true,
    // Commands that are no coordinator load half of it.
    splitting: true,
    // Each file that a program loads, and each byte of it, takes time at every start.
    minify: true,
    keepNames: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    external: EXTERNAL,
    // CommonJS dependencies load built-in modules with `require`.
    banner: {
      js: "import { createRequire as createRequireOf } from 'node:module';\nconst require = createRequireOf(import.meta.url);",
    },
    plugins: [pagesFromTheirPackage],
    logLevel: 'error',
  });
  // The version is read from this file.
  await copyFile(join(ROOT, 'packages/coordinator/package.json'), join(draft, 'package.json'));
  await mkdir(folder, { recursive: true });
  await rm(folder, { recursive: true });
  await rename(draft, folder);
}

async function removeOld(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).mtimeMs < Date.now() - KEPT_MS) await rm(path, { recursive: true, force: true });
  }
}

/** The pages of the API reference stay in their package: a bundle has a folder of its own. */
const pagesFromTheirPackage: Plugin = {
  name: 'pages from their package',
  setup({ onLoad }) {
    onLoad({ filter: /@fastify[\\/]swagger-ui[\\/](index|lib[\\/]routes)\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replaceAll('__dirname', JSON.stringify(dirname(path))),
      loader: 'js',
    }));
  },
};
