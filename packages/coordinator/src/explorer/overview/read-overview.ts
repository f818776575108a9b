import { type ModelQueue, OVERVIEW_LENGTHS, type Overview } from '@aitbc/protocol';
import type { PublicLedger } from '../../ledger/ledger.ts';
import type { Directory } from '../../miners/directory.ts';
import { isoTime } from '../../store/numbers.ts';
import type { Store } from '../../store/store.ts';
import { listBlocks } from '../blocks.ts';
import { statsOf } from '../stats.ts';
import { readTransactions } from '../transactions.ts';
import { findRunning, listWaitingQueues } from './queries.ts';
import type { RecentRates } from './rates.ts';

export interface OverviewSources {
  store: Store;
  ledger: PublicLedger;
  directory: Pick<Directory, 'capacity' | 'models'>;
  rates: RecentRates;
}

/** Reads an overview. The counters are those that `rates` was given last. */
export async function readOverview(
  { store, ledger, directory, rates }: OverviewSources,
  counters: ReadonlyMap<string, number>,
): Promise<Overview> {
  const [latest, queues, { transactions }, { blocks }] = await Promise.all([
    ledger.latest(),
    readQueues(store, directory),
    readTransactions(store, {
      address: undefined,
      block: undefined,
      before: undefined,
      limit: OVERVIEW_LENGTHS.transactions,
    }),
    listBlocks(store, { before: undefined, limit: OVERVIEW_LENGTHS.blocks }),
  ]);
  const stats = statsOf(counters, latest?.height ?? 0);
  const { miners, slots } = directory.capacity();
  return {
    stats,
    miners: {
      taking_jobs: miners,
      slots,
      not_taking_jobs: Math.max(stats.active_miners - miners, 0),
      offline: Math.max(stats.total_miners - stats.active_miners, 0),
    },
    queues,
    time_to_first_token_ms: rates.firstToken(),
    rates: rates.points(),
    transactions,
    blocks,
  };
}

const MAX_MODELS = 50;

/** Returns the models that jobs wait for, those with the most first. */
export async function readQueues(store: Store, directory: Pick<Directory, 'models'>): Promise<ModelQueue[]> {
  const byModel = Map.groupBy(await listWaitingQueues(store.read), ({ model }) => model);
  const longest = [...byModel]
    .map(([model, queues]) => ({
      model,
      pending: queues.reduce((sum, { pending }) => sum + pending, 0),
      since: queues.map(queue => queue.next_created_at).filter(time => time !== null),
    }))
    .sort((a, b) => b.pending - a.pending)
    .slice(0, MAX_MODELS);
  const running = await findRunning(
    store.read,
    longest.map(({ model }) => model),
  );
  return longest.map(({ model, pending, since }) => ({
    model,
    pending,
    running: running.get(model) ?? 0,
    waiting_since: since.length === 0 ? null : isoTime(Math.min(...since)),
    miners: directory.models(model)[0]?.miners ?? 0,
  }));
}
