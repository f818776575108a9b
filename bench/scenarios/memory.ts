import { type LoadOptions, load } from '../generator.ts';
import { type StoreName, startCoordinator } from '../server.ts';
import type { Progress } from './progress.ts';

export interface Memory {
  lifecycles: number;
  /** Mean resident bytes of each quarter of the run. The first one warms up: caches fill, code is compiled. */
  quarters: readonly number[];
  /** The last quarter for each byte of the first. */
  growth: number;
}

/** Whether the coordinator's memory grows with what it has done. */
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
  const size = Math.ceil(samples.length / 4);
  const quarters = [0, 1, 2, 3].map(index => mean(samples.slice(index * size, (index + 1) * size)));
  return { lifecycles, quarters, growth: (quarters.at(-1) ?? Number.NaN) / (quarters[0] ?? Number.NaN) };
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
