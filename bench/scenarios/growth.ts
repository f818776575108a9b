import { addFinishedJobs } from '../finished-jobs.ts';
import { type LoadOptions, load } from '../generator.ts';
import { type LoadResult, medianOf, processorTimeOf } from '../results.ts';
import {
  type CoordinatorOptions,
  type OwnServer,
  preparePlace,
  type StoreName,
  startAt,
  startCoordinator,
} from '../server.ts';
import type { Progress } from './progress.ts';

/** What a coordinator has stored before it is measured. */
export type Stored = 'pending' | 'finished';

interface Side {
  load: LoadResult;
  /** Resident bytes at the end of each round, the median. */
  residentBytes: number;
}

export interface Growth {
  stored: Stored;
  jobs: number;
  empty: Side;
  full: Side;
  /** Those with the stored jobs, divided by those without: CPU time of a lifecycle, memory, and p99 of a claim. */
  ratios: { processorTime: number; memory: number; claim: number };
}

/** Runs the same load with nothing stored and with very many jobs, on two coordinators in turn. */
export async function growth(
  stored: Stored,
  jobs: number,
  { store, rounds, ...options }: LoadOptions & { store: StoreName; rounds: number },
  progress: Progress,
): Promise<Growth> {
  const servers = {
    empty: await startCoordinator({ store }),
    full: await (stored === 'pending'
      ? startWithPending(jobs, { store }, progress)
      : startWithFinished(jobs, { store }, progress)),
  };
  const measured: Record<keyof typeof servers, Side[]> = { empty: [], full: [] };
  try {
    // Databases of that size grow over hours, in which they would have done their deferred work.
    if (options.warmup > 0) await Promise.all([servers.empty.settle?.(), servers.full.settle?.()]);
    for (let round = 1; round <= rounds; round++)
      for (const side of ['empty', 'full'] as const) {
        progress(
          `Round ${round} of ${rounds}: ${side === 'empty' ? 'nothing stored' : `${jobs} ${stored} jobs`}`,
        );
        const result = await load(servers[side], options);
        measured[side].push({ load: result, residentBytes: servers[side].residentBytes() });
      }
  } finally {
    await Promise.all([servers.empty.stop(), servers.full.stop()]);
  }
  const [empty, full] = [medians(measured.empty), medians(measured.full)];
  const ratios = {
    processorTime: processorTimeOf(full.load) / processorTimeOf(empty.load),
    memory: full.residentBytes / empty.residentBytes,
    claim: claimP99(full.load) / claimP99(empty.load),
  };
  return { stored, jobs, empty, full, ratios };
}

function medians(sides: readonly Side[]): Side {
  const { load } = medianOf(sides, side => processorTimeOf(side.load));
  return { load, residentBytes: medianOf(sides, side => side.residentBytes).residentBytes };
}

const claimP99 = ({ latencies }: LoadResult) => latencies.claim?.p99 ?? Number.NaN;

const BATCH = 1_000;

async function startWithPending(
  jobs: number,
  options: CoordinatorOptions,
  progress: Progress,
): Promise<OwnServer> {
  const server = await startCoordinator(options);
  const job = { prompt: 'p'.repeat(200), model: 'bench' };
  for (let done = 0; done < jobs; done += BATCH) {
    const body = JSON.stringify({ jobs: Array(Math.min(BATCH, jobs - done)).fill(job) });
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${server.url}/v1/jobs/batch`, { method: 'POST', headers, body });
    if (!response.ok) throw new Error(`Filling failed: ${await response.text()}`);
    await response.arrayBuffer();
    if ((done / BATCH) % 50 === 0) progress(`Filling: ${done} of ${jobs}`);
  }
  return server;
}

async function startWithFinished(
  jobs: number,
  options: CoordinatorOptions,
  progress: Progress,
): Promise<OwnServer> {
  const place = await preparePlace(options);
  try {
    const first = await startAt(place, options);
    await load(first, { connections: 1, warmup: 0, lifecycles: 1 }).finally(first.stop);
    await addFinishedJobs(place, jobs, done => progress(`Filling: ${done} of ${jobs}`));
    const server = await startAt(place, options);
    return { ...server, stop: () => server.stop().finally(place.remove) };
  } catch (error) {
    await place.remove();
    throw error;
  }
}
