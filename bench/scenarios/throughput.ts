import { type LoadOptions, loadFresh } from '../generator.ts';
import { type LoadResult, medianOf } from '../results.ts';
import { type Server, startNoop } from '../server.ts';
import type { Progress } from './progress.ts';

export interface Throughput {
  coordinator: LoadResult;
  noop: LoadResult;
  /** Lifecycles of the coordinator, divided by those of the server without work. */
  ratio: number;
}

export interface ThroughputOptions extends LoadOptions {
  rounds: number;
  coordinator(): Promise<Server>;
}

/**
 * Runs the coordinator and the server without work in turn, so that changes in the machine's speed affect
 * both.
 */
export async function throughput(
  { rounds, coordinator: start, ...options }: ThroughputOptions,
  progress: Progress,
): Promise<Throughput> {
  const coordinators: LoadResult[] = [];
  const noops: LoadResult[] = [];
  for (let round = 1; round <= rounds; round++) {
    progress(`Round ${round} of ${rounds}: the coordinator`);
    coordinators.push(await loadFresh(start, options));
    progress(`Round ${round} of ${rounds}: a server that does nothing`);
    noops.push(await loadFresh(startNoop, options));
  }
  const coordinator = medianOf(coordinators, result => result.perSecond);
  const noop = medianOf(noops, result => result.perSecond);
  return { coordinator, noop, ratio: coordinator.perSecond / noop.perSecond };
}
