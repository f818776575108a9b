import { mkdirSync, writeFileSync } from 'node:fs';
import { cp, rm } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { build, type Plugin } from 'esbuild';
import ts from 'typescript';
import { buildWebApp } from '../packages/web/build.ts';
import { declarationPath, type PublishedPackage, ROOT } from './packages.ts';

/** Builds packages, each into its `dist`: JavaScript of each entry, and the declarations of all that they export. */
export async function buildPackages(packages: readonly PublishedPackage[]): Promise<void> {
  for (const { folder } of packages) await rm(join(ROOT, folder, 'dist'), { recursive: true, force: true });
  await Promise.all(packages.map(buildJavaScript));
  for (const { folder, sources } of packages) if (sources.includes(WEB)) await addWebApp(folder);
  buildDeclarations(packages);
}

const WEB = 'packages/web';

/** Puts the web app beside the program that serves it. */
async function addWebApp(folder: string): Promise<void> {
  await buildWebApp();
  await cp(join(ROOT, WEB, 'dist'), join(ROOT, folder, 'dist/web'), { recursive: true });
}

async function buildJavaScript(of: PublishedPackage): Promise<void> {
  const isProgram = Object.keys(of.bundled).length > 0;
  await build({
    absWorkingDir: ROOT,
    entryPoints: Object.fromEntries(of.entries.map(({ source, output }) => [output, source])),
    outdir: join(of.folder, 'dist'),
    bundle: true,
    splitting: true,
    // Beside the entries, since programs find each other by `import.meta.url`.
    chunkNames: 'chunk-[hash]',
    format: 'esm',
    platform: isProgram ? 'node' : 'neutral',
    target: isProgram ? 'node24' : 'es2022',
    plugins: [onlyOwnSources(of)],
    logLevel: 'warning',
  });
}

/** Everything but the package's own sources is installed beside it. */
function onlyOwnSources(of: PublishedPackage): Plugin {
  return {
    name: 'only own sources',
    setup({ onResolve }) {
      onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
        kind === 'entry-point' || path in of.bundled ? undefined : { path, external: true },
      );
    },
  };
}

function buildDeclarations(packages: readonly PublishedPackage[]): void {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, ROOT);
  const exported = packages.flatMap(({ entries }) => entries.filter(({ subpath }) => subpath !== null));
  const program = ts.createProgram({
    rootNames: exported.map(({ source }) => join(ROOT, source)),
    options: { ...options, noEmit: false, declaration: true, emitDeclarationOnly: true },
  });
  const faults: ts.Diagnostic[] = [];
  // What no exported declaration names is of no use to anybody.
  const pending = exported.map(({ source }) => join(ROOT, source));
  const written = new Set<string>();
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (written.has(path)) continue;
    written.add(path);
    const source = relative(ROOT, path);
    const of = packages.find(({ sources }) => sources.some(folder => source.startsWith(`${folder}/src/`)));
    if (!of) throw new Error(`${source} is named by a declaration, and published by no package`);
    const write = (_: string, text: string) => {
      pending.push(...relativeImports(text).map(name => join(dirname(path), name)));
      const target = join(ROOT, of.folder, declarationPath(of, source));
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, publishedSpecifiers(text, of));
    };
    faults.push(...program.emit(program.getSourceFile(path), write, undefined, true).diagnostics);
  }
  if (faults.length > 0)
    throw new Error(
      ts.formatDiagnostics(faults, {
        getCanonicalFileName: name => name,
        getCurrentDirectory: () => ROOT,
        getNewLine: () => '\n',
      }),
    );
}

const RELATIVE = /(?:from|import\()?\s*['"](\.{1,2}\/[^'"]*\.ts)['"]/g;

const relativeImports = (text: string): string[] => [...text.matchAll(RELATIVE)].map(([, name = '']) => name);

/** TypeScript leaves the endings of sources in declarations, and knows nothing of what became of private packages. */
function publishedSpecifiers(text: string, of: PublishedPackage): string {
  return text
    .replace(/((?:from|import\()\s*['"]\.{1,2}\/[^'"]*)\.ts(['"])/g, '$1.js$2')
    .replace(/((?:from|import\()\s*['"])(@aitbc\/[a-z]+)(?=['"])/g, (whole, before: string, name: string) =>
      name in of.bundled ? `${before}${of.bundled[name]}` : whole,
    );
}
