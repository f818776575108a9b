import { type LoadOptions, load, type Server, startCoordinator, startNoop } from './processes.ts';
import { type LoadResult, medianOf } from './results.ts';

/** Told what goes on. */
export type Progress = (text: string) => void;

export interface Throughput {
  coordinator: LoadResult;
  noop: LoadResult;
  /** Lifecycles of the coordinator for each one of the server that does nothing. */
  ratio: number;
}

/** The coordinator and the server that does nothing in turn, so that the machine's moods touch both. */
export async function throughput(
  { rounds, nodeOptions, ...options }: LoadOptions & { rounds: number; nodeOptions: readonly string[] },
  progress: Progress,
): Promise<Throughput> {
  const coordinators: LoadResult[] = [];
  const noops: LoadResult[] = [];
  for (let round = 1; round <= rounds; round++) {
    progress(`Round ${round} of ${rounds}: the coordinator`);
    coordinators.push(await loadFresh(() => startCoordinator(nodeOptions), options));
    progress(`Round ${round} of ${rounds}: a server that does nothing`);
    noops.push(await loadFresh(startNoop, options));
  }
  const coordinator = medianOf(coordinators);
  const noop = medianOf(noops);
  return { coordinator, noop, ratio: coordinator.perSecond / noop.perSecond };
}

async function loadFresh(start: () => Promise<Server>, options: LoadOptions): Promise<LoadResult> {
  const server = await start();
  try {
    return await load(server.url, options);
  } finally {
    await server.stop();
  }
}

export interface Backlog {
  jobs: number;
  empty: LoadResult;
  full: LoadResult;
  /** p99 of a claim with the backlog for each ms of one without. */
  claimRatio: number;
}

const BATCH = 1_000;

/** The same load without pending jobs and on top of very many. */
export async function backlog(jobs: number, options: LoadOptions, progress: Progress): Promise<Backlog> {
  const server = await startCoordinator();
  try {
    progress('Without a backlog');
    const empty = await load(server.url, options);
    await fill(server.url, jobs, progress);
    progress(`With ${jobs} pending jobs`);
    const full = await load(server.url, options);
    return { jobs, empty, full, claimRatio: full.latencies.claim.p99 / empty.latencies.claim.p99 };
  } finally {
    await server.stop();
  }
}

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

export interface Memory {
  lifecycles: number;
  /** Mean of the second and of the last quarter, in bytes; the first quarter is warming up. */
  early: number;
  late: number;
}

/** Whether the coordinator's memory grows with what it has done. */
export async function memory(lifecycles: number, options: LoadOptions, progress: Progress): Promise<Memory> {
  const server = await startCoordinator();
  const samples: number[] = [];
  try {
    await load(server.url, {
      connections: options.connections,
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
  const quarter = Math.ceil(samples.length / 4);
  return {
    lifecycles,
    early: mean(samples.slice(quarter, 2 * quarter)),
    late: mean(samples.slice(-quarter)),
  };
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
