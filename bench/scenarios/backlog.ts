import { type LoadOptions, load } from '../generator.ts';
import { type LoadResult, medianOf } from '../results.ts';
import { type StoreName, startCoordinator } from '../server.ts';
import type { Progress } from './progress.ts';

export interface Backlog {
  jobs: number;
  empty: LoadResult;
  full: LoadResult;
  /** The p99 of a claim with the backlog, divided by the p99 without. */
  claimRatio: number;
}

const BATCH = 1_000;

/** Runs the same load without pending jobs and on top of very many, on two coordinators in turn. */
export async function backlog(
  jobs: number,
  { store, rounds, ...options }: LoadOptions & { store: StoreName; rounds: number },
  progress: Progress,
): Promise<Backlog> {
  const emptyServer = await startCoordinator({ store });
  const fullServer = await startCoordinator({ store });
  const without: LoadResult[] = [];
  const withBacklog: LoadResult[] = [];
  try {
    await fill(fullServer.url, jobs, progress);
    // A backlog of that size grows over hours, in which the database would have done its deferred work.
    if (options.warmup > 0) await Promise.all([emptyServer.settle?.(), fullServer.settle?.()]);
    for (let round = 1; round <= rounds; round++) {
      progress(`Round ${round} of ${rounds}: without a backlog`);
      without.push(await load(emptyServer, options));
      progress(`Round ${round} of ${rounds}: with ${jobs} pending jobs`);
      withBacklog.push(await load(fullServer, options));
    }
  } finally {
    await Promise.all([emptyServer.stop(), fullServer.stop()]);
  }
  const empty = medianOf(without, claimP99);
  const full = medianOf(withBacklog, claimP99);
  return { jobs, empty, full, claimRatio: claimP99(full) / claimP99(empty) };
}

const claimP99 = ({ latencies }: LoadResult) => latencies.claim?.p99 ?? Number.NaN;

async function fill(url: string, jobs: number, progress: Progress): Promise<void> {
  const job = { prompt: 'p'.repeat(200), model: 'bench' };
  for (let done = 0; done < jobs; done += BATCH) {
    const body = JSON.stringify({ jobs: Array(Math.min(BATCH, jobs - done)).fill(job) });
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${url}/v1/jobs/batch`, { method: 'POST', headers, body });
    if (!response.ok) throw new Error(`Filling failed: ${await response.text()}`);
    await response.arrayBuffer();
    if ((done / BATCH) % 50 === 0) progress(`Filling: ${done} of ${jobs}`);
  }
}
