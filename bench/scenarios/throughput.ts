import { type LoadOptions, loadFresh } from '../generator.ts';
import { FETCHES, type Fetch, type LoadResult, medianOf } from '../results.ts';
import { type Server, startSkeleton } from '../server.ts';
import type { Progress } from './progress.ts';

export interface Measured {
  /** What was run: the coordinator, another checkout's, or the skeleton. */
  server: 'coordinator' | 'base' | 'skeleton';
  fetch: Fetch;
  result: LoadResult;
}

export interface Throughput {
  runs: readonly Measured[];
  /** Lifecycles whose result is fetched by GET, divided by those whose result is not fetched. */
  fetched: number;
  /** The same for results that a client waits for. */
  awaited: number;
  /** Lifecycles with their result, divided by those of the skeleton. */
  ofSkeleton: number;
  /** Lifecycles with their result, divided by those of another checkout, if there is one. */
  ofBase: number | undefined;
}

export interface ThroughputOptions extends Omit<LoadOptions, 'fetch'> {
  rounds: number;
  coordinator(): Promise<Server>;
  /** Starts the coordinator of another checkout. */
  base?: (() => Promise<Server>) | undefined;
}

/**
 * Runs the coordinator, and what it is compared with, in turn, so that changes in the machine's speed affect all. The
 * main figure is a lifecycle whose result is fetched by GET.
 */
export async function throughput(
  { rounds, coordinator, base, ...options }: ThroughputOptions,
  progress: Progress,
): Promise<Throughput> {
  const compared = [
    ...FETCHES.map(fetch => ({ server: 'coordinator' as const, start: coordinator, fetch })),
    ...(base ? FETCHES.map(fetch => ({ server: 'base' as const, start: base, fetch })) : []),
    { server: 'skeleton' as const, start: startSkeleton, fetch: 'get' as const },
    { server: 'skeleton' as const, start: startSkeleton, fetch: 'none' as const },
  ].map(each => ({ ...each, results: [] as LoadResult[] }));
  for (let round = 1; round <= rounds; round++)
    for (const { server, start, fetch, results } of compared) {
      const result = await loadFresh(start, { ...options, fetch });
      progress(`Round ${round} of ${rounds}: ${server}, ${fetch}: ${Math.round(result.perSecond)}`);
      results.push(result);
    }
  const runs = compared.map(
    ({ server, fetch, results }): Measured => ({
      ...{ server, fetch, result: medianOf(results, result => result.perSecond) },
    }),
  );
  const rate = (server: Measured['server'], fetch: Fetch) =>
    runs.find(run => run.server === server && run.fetch === fetch)?.result.perSecond ?? Number.NaN;
  return {
    runs,
    fetched: rate('coordinator', 'get') / rate('coordinator', 'none'),
    awaited: rate('coordinator', 'wait') / rate('coordinator', 'none'),
    ofSkeleton: rate('coordinator', 'get') / rate('skeleton', 'get'),
    ofBase: base && rate('coordinator', 'get') / rate('base', 'get'),
  };
}
