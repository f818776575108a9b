import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompressSync } from 'node:zlib';
import { build, type Plugin } from 'esbuild';

/*
 * Builds what the tests of mixed versions run: the client with the miner's agent, and the coordinator, each
 * in one file, as of a commit. It needs the whole history.
 *
 *   node test/versions/make.ts 4d3d1c4 0.1
 */
const ROOT = resolve(import.meta.dirname, '../..');
const [commit, version] = process.argv.slice(2);
if (!commit || !version) throw new Error('usage: node test/versions/make.ts COMMIT VERSION');

const PROGRAMS = {
  agent: `export * from '@aitbc/sdk'; export { echoBackend, loadIdentity, startMiner } from '@aitbc/miner';`,
  coordinator: `export { startCoordinator } from '@aitbc/coordinator';`,
};

/** CommonJS within the bundle loads built-in modules with its own `require`. */
const banner = `import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);`;

const run = promisify(execFile);

/** The reference page reads files beside its program, which a bundle does not have. */
const noReferencePage: Plugin = {
  name: 'no reference page',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^@fastify\/swagger-ui$/ }, ({ path }) => ({ path, namespace: 'none' }));
    onLoad({ filter: /.*/, namespace: 'none' }, () => ({ contents: 'export default async () => {};' }));
  },
};

const checkout = await mkdtemp(join(tmpdir(), 'aitbc-version-'));
try {
  const archive = join(checkout, 'archive.tar');
  await run('git', ['archive', commit, '--output', archive], { cwd: ROOT });
  await run('tar', ['-xf', archive, '-C', checkout]);
  await symlink(join(ROOT, 'node_modules'), join(checkout, 'node_modules'));
  for (const [name, contents] of Object.entries(PROGRAMS)) {
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: checkout, loader: 'ts' },
      absWorkingDir: checkout,
      plugins: [ownSources(checkout), noReferencePage],
      external: ['node-llama-cpp', 'pg-native'],
      banner: { js: banner },
      bundle: true,
      minify: true,
      keepNames: true,
      write: false,
      format: 'esm',
      platform: 'node',
      target: 'node24',
      logLevel: 'warning',
    });
    const [bundle] = outputFiles;
    if (bundle)
      await writeFile(
        join(import.meta.dirname, `${version}-${name}.mjs.br`),
        brotliCompressSync(bundle.contents),
      );
  }
} finally {
  await rm(checkout, { recursive: true });
}

/** Resolves our packages to their sources in the commit's checkout. */
function ownSources(checkout: string): Plugin {
  return {
    name: 'own sources',
    setup({ onResolve }) {
      onResolve({ filter: /^@aitbc\// }, async ({ path }) => {
        const [, name = '', ...rest] = path.split('/');
        const folder = join(checkout, 'packages', name);
        const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
        return { path: join(folder, manifest.exports[['.', ...rest].join('/')]) };
      });
    },
  };
}
