import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { LoadOptions } from '../generator.ts';
import { medianOf } from '../results.ts';
import { type OwnServer, type StoreName, startCoordinator } from '../server.ts';
import type { Progress } from './progress.ts';

export interface Waiting {
  miners: number;
  /** Completed jobs per second, the median of all rounds: while 64 miners wait, and while `miners` do. */
  few: number;
  many: number;
  /** `many` divided by `few`. */
  ratio: number;
}

export const FEW_MINERS = 64;

const PROGRAM = fileURLToPath(new URL('../waiting-load.ts', import.meta.url));
const run = promisify(execFile);

/** Runs the same clients while few and while very many miners wait for work, on two coordinators in turn. */
export async function waiting(
  miners: number,
  { store, rounds, ...options }: LoadOptions & { store: StoreName; rounds: number },
  progress: Progress,
): Promise<Waiting> {
  const rates: { few: number[]; many: number[] } = { few: [], many: [] };
  for (let round = 1; round <= rounds; round++) {
    for (const [name, count] of [
      ['few', FEW_MINERS],
      ['many', miners],
    ] as const) {
      progress(`Round ${round} of ${rounds}: ${count} miners wait`);
      const server = await startCoordinator({ store });
      rates[name].push(await waitWith(server, count, options).finally(server.stop));
    }
  }
  const few = medianOf(rates.few, rate => rate);
  const many = medianOf(rates.many, rate => rate);
  return { miners, few, many, ratio: many / few };
}

/** Lets clients submit jobs while miners wait for them. Resolves with the completed jobs per second. */
export async function waitWith(
  { url }: OwnServer,
  miners: number,
  { connections, seconds = 10, warmup }: LoadOptions,
): Promise<number> {
  const counts = ['--clients', `${connections}`, '--miners', `${miners}`];
  const argv = [PROGRAM, '--url', url, ...counts, '--seconds', `${seconds}`, '--warmup', `${warmup}`];
  const { stdout } = await run(process.execPath, argv);
  return JSON.parse(stdout).perSecond;
}
