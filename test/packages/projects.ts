import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import ts from 'typescript';

const run = promisify(execFile);

/** A folder outside any checkout with packages installed. */
export interface Project {
  folder: string;
  write(files: Record<string, string>): Promise<void>;
  /** Returns what a program prints. Rejects with its output when it fails. */
  run(program: string, args: readonly string[], env?: Record<string, string>): Promise<string>;
  /** Starts a program that keeps running. */
  start(program: string, args: readonly string[], env?: Record<string, string>): Running;
  remove(): Promise<void>;
}

export interface Running {
  process: ChildProcess;
  /** Resolves with the first line of either output that matches. */
  line(pattern: RegExp): Promise<RegExpExecArray>;
  stop(): Promise<void>;
}

/** Without the commands of this checkout, which npm puts first when it runs tests. */
const PATH = (process.env.PATH ?? '')
  .split(delimiter)
  .filter(folder => !folder.includes('node_modules'))
  .join(delimiter);

/** npm and its commands run on the machine's Node.js, or on that of the tests if there is none. */
const ENVIRONMENT = { PATH, HOME: process.env.HOME ?? tmpdir(), npm_config_update_notifier: 'false' };

/** @param dependencies names with versions, or with the paths of tarballs */
export async function createProject(dependencies: Record<string, string>): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), 'aitbc-project-'));
  const manifest = { name: 'project', private: true, type: 'module', dependencies };
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
  const inFolder = (env: Record<string, string> = {}) => ({
    cwd: folder,
    env: { ...ENVIRONMENT, ...registry(), ...env },
  });
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund'], inFolder());
  return {
    folder,
    async write(files) {
      for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    },
    run: async (program, args, env) => (await run(program, args, inFolder(env))).stdout,
    start: (program, args, env) => follow(spawn(program, args, { ...inFolder(env), detached: true })),
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** When the environment configures the registry of the npm that runs the tests, projects use the same one. */
const registry = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      /^npm_config_(registry|cache|userconfig)$/i.test(name) && value !== undefined ? [[name, value]] : [],
    ),
  );

function follow(child: ChildProcess): Running {
  const lines: string[] = [];
  const waiting: (() => void)[] = [];
  for (const output of [child.stdout, child.stderr]) {
    if (!output) continue;
    createInterface(output).on('line', line => {
      lines.push(line);
      for (const wake of waiting.splice(0)) wake();
    });
  }
  const ended = once(child, 'close').then(() => {
    for (const wake of waiting.splice(0)) wake();
  });
  return {
    process: child,
    async line(pattern) {
      for (let at = 0; ; at++) {
        while (at >= lines.length) {
          if (child.exitCode !== null || child.signalCode !== null)
            throw new Error(`It ended without ${pattern}:\n${lines.join('\n')}`);
          await new Promise<void>(resolve => waiting.push(resolve));
        }
        const found = pattern.exec(lines[at] ?? '');
        if (found) return found;
      }
    },
    async stop() {
      // npx has started other processes, all in one group.
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM');
      await ended;
    },
  };
}

/** Returns the names of the packages with a version of Node.js for this machine, as a project installs it. */
export function nodeOf(version: string): string {
  const system = process.platform === 'win32' ? 'win' : process.platform;
  const prefix = process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node';
  return `npm:${prefix}-${system}-${process.arch}@${version}`;
}

const RESOLUTION = {
  node16: { module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16 },
  bundler: { module: ts.ModuleKind.ES2022, moduleResolution: ts.ModuleResolutionKind.Bundler },
};

/**
 * Returns what TypeScript at its strictest reports in a program and in the declarations of our packages.
 * Other packages' declarations are not checked, as this takes a minute.
 */
export function typeFaults(project: Project, program: string, resolution: keyof typeof RESOLUTION): string[] {
  const compiled = ts.createProgram({
    rootNames: [join(project.folder, program)],
    options: {
      ...RESOLUTION[resolution],
      ...{
        target: ts.ScriptTarget.ES2022,
        lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
      },
      ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, noEmit: true },
      ...{ types: ['node'], typeRoots: [join(import.meta.dirname, '../../node_modules/@types')] },
    },
  });
  const checked = compiled
    .getSourceFiles()
    .filter(
      ({ fileName }) => !fileName.includes('/node_modules/') || /\/node_modules\/@?aitbc\//.test(fileName),
    );
  const faults = checked.flatMap(file => [
    ...compiled.getSyntacticDiagnostics(file),
    ...compiled.getSemanticDiagnostics(file),
  ]);
  return faults.map(
    ({ file, messageText }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
  );
}

export const readBytes = async (path: string): Promise<Uint8Array<ArrayBuffer>> =>
  new Uint8Array(await readFile(path));
