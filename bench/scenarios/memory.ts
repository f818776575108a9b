import { setTimeout } from 'node:timers/promises';
import { type LoadOptions, load } from '../generator.ts';
import { type CoordinatorOptions, type OwnServer, startCoordinator } from '../server.ts';
import type { Progress } from './progress.ts';
import { waitWith } from './waiting.ts';

export const IDLE_MINERS = 100;

export interface Memory {
  /** The resident bytes while nothing happens but that {@link IDLE_MINERS} miners wait for work. */
  idle: number;
  lifecycles: number;
  /** The most resident bytes of the run. */
  most: number;
  /**
   * The mean resident bytes of each quarter of the run. The first quarter warms up: caches fill and code is
   * compiled.
   */
  quarters: readonly number[];
  /** The last quarter divided by the first. */
  growth: number;
}

type MemoryOptions = Pick<LoadOptions, 'connections' | 'seconds'> &
  Pick<CoordinatorOptions, 'store' | 'program'>;

/** Measures the coordinator's memory while it idles, and whether it grows with the work it has done. */
export async function memory(
  lifecycles: number,
  { store, program, connections, seconds = 10 }: MemoryOptions,
  progress: Progress,
): Promise<Memory> {
  const server = await startCoordinator({ store, program });
  const samples: number[] = [];
  let idle = Number.NaN;
  try {
    progress(`${IDLE_MINERS} miners wait`);
    idle = await idleBytes(server, seconds);
    await load(server, {
      connections,
      warmup: 0,
      lifecycles,
      onProgress(done) {
        samples.push(server.residentBytes());
        if (done % 10_000 === 0) progress(`${done} of ${lifecycles}`);
      },
    });
  } finally {
    await server.stop();
  }
  const quarters = quartersOf(samples);
  const most = samples.reduce((a, b) => Math.max(a, b), 0);
  const growth = (quarters.at(-1) ?? Number.NaN) / (quarters[0] ?? Number.NaN);
  return { idle, lifecycles, most, quarters, growth };
}

/** Lets miners wait for work that does not come, and returns the memory after that time. */
async function idleBytes(server: OwnServer, seconds: number): Promise<number> {
  const waiting = waitWith(server, IDLE_MINERS, { connections: 0, seconds: seconds + 1, warmup: 0 });
  const measured = setTimeout(seconds * 1000).then(server.residentBytes);
  await waiting;
  return await measured;
}

/**
 * @param samples at least four
 * @returns the mean of each quarter
 */
export function quartersOf(samples: readonly number[]): number[] {
  const start = (quarter: number) => Math.round((quarter * samples.length) / 4);
  return [0, 1, 2, 3].map(quarter => mean(samples.slice(start(quarter), start(quarter + 1))));
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
