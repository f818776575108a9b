import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { LoadResult } from './results.ts';

/** A server under load, in a process of its own. */
export interface Server {
  url: string;
  /** Bytes in memory. */
  residentBytes(): number;
  stop(): Promise<void>;
}

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The coordinator as it is shipped, on an empty database. `nodeOptions` go to its Node. */
export async function startCoordinator(nodeOptions: readonly string[] = []): Promise<Server> {
  const data = await mkdtemp(join(tmpdir(), 'aitbc-bench-'));
  const program = file('../packages/cli/src/main.ts');
  const options = ['--port', '0', '--data', data, '--log-level', 'warn'];
  const server = await start([...nodeOptions, program, 'serve', ...options]);
  return {
    ...server,
    async stop() {
      await server.stop();
      await rm(data, { recursive: true });
    },
  };
}

export const startNoop = () => start([file('./noop-server.ts')]);

/** Starts a program that prints the address on which it listens. */
async function start(argv: readonly string[]): Promise<Server> {
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  const url = await firstUrl(child);
  return {
    url,
    residentBytes: () => Number(execFileSync('ps', ['-o', 'rss=', '-p', String(child.pid)])) * 1024,
    async stop() {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

async function firstUrl(child: ChildProcess): Promise<string> {
  const { stdout, stderr } = child;
  if (!stdout || !stderr) throw new Error('The server has no output');
  let printed = '';
  return await new Promise((resolve, reject) => {
    const look = (chunk: Buffer) => {
      printed += chunk;
      const url = /http:\/\/[\d.]+:\d+/.exec(printed)?.[0];
      if (url) resolve(url);
    };
    stdout.on('data', look);
    stderr.on('data', look);
    child.once('exit', code => reject(new Error(`The server ended with ${code}: ${printed}`)));
  });
}

export interface LoadOptions {
  connections: number;
  /** Measured, after `warmup`. */
  seconds?: number;
  warmup: number;
  /** In place of `seconds`: stop after so many. */
  lifecycles?: number;
  /** Called with how many are done, every thousand. */
  onProgress?: (lifecycles: number) => void;
}

/** Runs the load generator in a process of its own. Rejects when a request failed. */
export async function load(url: string, options: LoadOptions): Promise<LoadResult> {
  const { connections, seconds, warmup, lifecycles, onProgress } = options;
  const argv = [file('./load.ts'), '--url', url, '--connections', `${connections}`, '--warmup', `${warmup}`];
  if (seconds !== undefined) argv.push('--seconds', `${seconds}`);
  if (lifecycles !== undefined) argv.push('--lifecycles', `${lifecycles}`);
  if (onProgress) argv.push('--progress');
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  let failure = '';
  createInterface(child.stderr).on('line', line => {
    if (/^\d+$/.test(line)) onProgress?.(Number(line));
    else failure += `${line}\n`;
  });
  let printed = '';
  child.stdout.on('data', chunk => {
    printed += chunk;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`The load generator failed:\n${failure}`);
  return JSON.parse(printed);
}
