import { type LoadOptions, load } from '../generator.ts';
import { type StoreName, startCoordinator } from '../server.ts';
import type { Progress } from './progress.ts';

export interface Memory {
  lifecycles: number;
  /**
   * The mean resident bytes of each quarter of the run. The first quarter warms up: caches fill and code is
   * compiled.
   */
  quarters: readonly number[];
  /** The last quarter divided by the first. */
  growth: number;
}

/** Measures whether the coordinator's memory grows with the work it has done. */
export async function memory(
  lifecycles: number,
  { store, connections }: Pick<LoadOptions, 'connections'> & { store: StoreName },
  progress: Progress,
): Promise<Memory> {
  const server = await startCoordinator({ store });
  const samples: number[] = [];
  try {
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
  return { lifecycles, quarters, growth: (quarters.at(-1) ?? Number.NaN) / (quarters[0] ?? Number.NaN) };
}

/** @returns the mean of each quarter */
export function quartersOf(samples: readonly number[]): number[] {
  const size = Math.ceil(samples.length / 4);
  return [0, 1, 2, 3].map(index => mean(samples.slice(index * size, (index + 1) * size)));
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
