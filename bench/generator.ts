import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Fetch, LoadResult } from './results.ts';
import type { Server } from './server.ts';

export interface LoadOptions {
  connections: number;
  /** Measured seconds after `warmup`. */
  seconds?: number;
  /** In seconds. Databases settle before a warm-up longer than 0. */
  warmup: number;
  /** Stop after this many lifecycles instead of after `seconds`. */
  lifecycles?: number;
  /** How results are read. They are not unless given. */
  fetch?: Fetch;
  /** Lifecycles a second of all connections together, at most. As many as they can unless given. */
  rate?: number;
  /** Called every thousand lifecycles with their number. */
  onProgress?: (lifecycles: number) => void;
}

const PROGRAM = fileURLToPath(new URL('./load.ts', import.meta.url));

/** Runs the load generator in its own process. Rejects when a request failed. */
export async function load({ url, pid, databasePid }: Server, options: LoadOptions): Promise<LoadResult> {
  const { connections, seconds, warmup, lifecycles, fetch = 'none', rate, onProgress } = options;
  const argv = [PROGRAM, '--url', url, '--connections', `${connections}`, '--warmup', `${warmup}`];
  argv.push('--fetch', fetch);
  if (pid !== undefined) argv.push('--server-pid', `${pid}`);
  if (databasePid !== undefined) argv.push('--database-pid', `${databasePid}`);
  if (seconds !== undefined) argv.push('--seconds', `${seconds}`);
  if (rate !== undefined) argv.push('--rate', `${rate}`);
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

/** Loads a server that is started for this run alone. */
export async function loadFresh(start: () => Promise<Server>, options: LoadOptions): Promise<LoadResult> {
  const server = await start();
  try {
    if (options.warmup > 0) await server.settle?.();
    return await load(server, options);
  } finally {
    await server.stop();
  }
}
