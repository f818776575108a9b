import { statfs } from 'node:fs/promises';
import type { Gauge } from 'prom-client';
import type { PublicLedger } from '../ledger/ledger.ts';
import type { Directory } from '../miners/directory.ts';
import type { Readiness } from '../readiness.ts';
import type { MinerState } from '../store/events.ts';
import type { Store } from '../store/store.ts';
import type { WebhookService } from '../webhooks/service.ts';
import type { Instruments } from './instruments.ts';
import { topModels } from './model-labels.ts';
import { type QueueBacklog, readBacklog, readOpenVerifications } from './queries.ts';

/** What the gauges are read from. */
export interface MetricSources {
  store: Store;
  data: string;
  directory: Pick<Directory, 'roster'>;
  ledger: Pick<PublicLedger, 'lag' | 'conflict'>;
  webhooks: Pick<WebhookService, 'events' | 'pending'>;
  readiness: Readiness;
  now: () => number;
}

/** A group of gauges that are read for each scrape, from memory or by a query whose cost is bounded. */
export interface Collector {
  /** Removes the values of the last scrape. */
  clear(): void;
  /** Reads the values, and resolves with a function that sets the gauges to them. */
  collect(): Promise<() => void>;
}

export function createCollectors(
  metrics: Instruments,
  { store, data, directory, ledger, webhooks, readiness, now }: MetricSources,
): Record<string, Collector> {
  return {
    queues: collector([metrics.queueDepth, metrics.queueOldest], async () => {
      const byModel = sumByModel(await readBacklog(store.read));
      return () => {
        for (const [model, { pending, oldest }] of byModel) {
          metrics.queueDepth.set({ model }, pending);
          if (oldest !== null) metrics.queueOldest.set({ model }, Math.max(now() - oldest, 0) / 1000);
        }
      };
    }),
    miners: collector([metrics.miners, metrics.modelMiners], async () => {
      const { states, models } = directory.roster.counts();
      const top = topModels(models, sumOf, addCounts);
      return () => {
        for (const state of ['online', 'draining', 'suspended', 'offline'] as const)
          metrics.miners.set({ state }, states.get(state) ?? 0);
        for (const [model, counts] of top)
          for (const [state, miners] of counts) metrics.modelMiners.set({ model, state }, miners);
      };
    }),
    ledger: collector([metrics.ledgerLagEntries, metrics.ledgerLag, metrics.ledgerConflict], async () => {
      const { entries, since } = await ledger.lag();
      return () => {
        metrics.ledgerLagEntries.set(entries);
        metrics.ledgerLag.set(since === undefined ? 0 : Math.max(now() - since, 0) / 1000);
        metrics.ledgerConflict.set(ledger.conflict() ? 1 : 0);
      };
    }),
    verifications: collector([metrics.verificationsOpen], async () => {
      const open = await readOpenVerifications(store.read);
      return () => metrics.verificationsOpen.set(open);
    }),
    webhooks: collector([metrics.webhooksPending], async () => {
      const pending = await webhooks.pending();
      return () => metrics.webhooksPending.set(pending);
    }),
    disk: collector([metrics.diskFree, metrics.diskSize], async () => {
      const { bavail, blocks, bsize } = await statfs(data);
      return () => {
        metrics.diskFree.set(bavail * bsize);
        metrics.diskSize.set(blocks * bsize);
      };
    }),
    readiness: collector([metrics.ready], async () => {
      const report = await readiness.report();
      return () => {
        for (const { component, fault } of report)
          metrics.ready.set({ component }, fault === undefined ? 1 : 0);
      };
    }),
  };
}

function collector(gauges: readonly Gauge[], collect: Collector['collect']): Collector {
  return {
    clear() {
      for (const gauge of gauges) {
        gauge.reset();
        // A gauge without labels would be 0 otherwise, which is a value.
        gauge.remove({});
      }
    },
    collect,
  };
}

type Backlog = Pick<QueueBacklog, 'pending' | 'oldest'>;

function sumByModel(queues: readonly QueueBacklog[]): Map<string, Backlog> {
  const byModel = new Map<string, Backlog>();
  for (const { model, ...backlog } of queues) {
    const known = byModel.get(model);
    byModel.set(model, known ? addBacklogs(known, backlog) : backlog);
  }
  return topModels(byModel, ({ pending }) => pending, addBacklogs);
}

function addBacklogs(a: Backlog, b: Backlog): Backlog {
  const oldest = Math.min(a.oldest ?? Infinity, b.oldest ?? Infinity);
  return { pending: a.pending + b.pending, oldest: oldest === Infinity ? null : oldest };
}

type Counts = ReadonlyMap<MinerState, number>;

const sumOf = (counts: Counts) => [...counts.values()].reduce((sum, count) => sum + count, 0);

const addCounts = (a: Counts, b: Counts): Counts =>
  new Map([...a.keys(), ...b.keys()].map(state => [state, (a.get(state) ?? 0) + (b.get(state) ?? 0)]));
