import { setTimeout } from 'node:timers/promises';
import { type LoadOptions, load, loadFresh } from '../generator.ts';
import { type LoadResult, medianOf } from '../results.ts';
import { type CoordinatorData, preparePlace, type StoreName, startAt, startCoordinator } from '../server.ts';
import type { Progress } from './progress.ts';

export interface Ledger {
  entries: number;
  without: LoadResult;
  publishing: LoadResult;
  /** Lifecycles with publishing, divided by those without. */
  ratio: number;
  /** How many entries per second the tree gained under load while it caught up. */
  entriesPerSecond: number;
  catchingUp: LoadResult;
}

type Options = LoadOptions & { store: StoreName; rounds: number };

/** Entries get their places as usual, but nothing is published during a run. */
const UNPUBLISHED = ['--ledger-interval', '3600'];

/**
 * Runs jobs with and without a published ledger, and measures how fast it takes in waiting entries while jobs
 * run.
 */
export async function ledger(
  entries: number,
  { store, rounds, ...options }: Options,
  progress: Progress,
): Promise<Ledger> {
  const runs = { without: [] as LoadResult[], publishing: [] as LoadResult[] };
  for (let round = 1; round <= rounds; round++) {
    progress(`Round ${round} of ${rounds}: nothing is published`);
    runs.without.push(await loadFresh(() => startCoordinator({ store, flags: UNPUBLISHED }), options));
    progress(`Round ${round} of ${rounds}: published each second`);
    runs.publishing.push(await loadFresh(() => startCoordinator({ store }), options));
  }
  const [without, publishing] = [runs.without, runs.publishing].map(results => medianOf(results, perSecond));
  if (!without || !publishing) throw new Error('There is at least one round');
  const place = await preparePlace({ store });
  try {
    await fill(place, entries, options, progress);
    const caughtUp = await catchUp(place, entries, options, progress);
    return { entries, without, publishing, ratio: perSecond(publishing) / perSecond(without), ...caughtUp };
  } finally {
    await place.remove();
  }
}

const perSecond = (result: LoadResult) => result.perSecond;

/** Completes this many jobs without publishing them. */
async function fill(
  place: CoordinatorData,
  entries: number,
  options: LoadOptions,
  progress: Progress,
): Promise<void> {
  const server = await startAt(place, { flags: UNPUBLISHED });
  const { connections } = options;
  const onProgress = (done: number) => done % 10_000 === 0 && progress(`Filling: ${done} of ${entries}`);
  await load(server, { connections, warmup: 0, lifecycles: entries, onProgress }).finally(server.stop);
}

async function catchUp(place: CoordinatorData, entries: number, options: LoadOptions, progress: Progress) {
  progress(`${entries} entries are taken in while jobs run`);
  const server = await startAt(place);
  try {
    const began = performance.now();
    const taken = untilPublished(server.url, entries).then(
      size => (size / (performance.now() - began)) * 1000,
    );
    const catchingUp = await load(server, { ...options, warmup: 0 });
    return { entriesPerSecond: await taken, catchingUp };
  } finally {
    await server.stop();
  }
}

/** Resolves with the size of the first checkpoint over this many entries. */
async function untilPublished(url: string, entries: number): Promise<number> {
  for (;;) {
    const response = await fetch(`${url}/ledger/checkpoint`);
    const size = Number((await response.text()).split('\n')[1]);
    if (response.ok && size >= entries) return size;
    await setTimeout(20);
  }
}
