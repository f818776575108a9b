import { collectDefaultMetrics } from 'prom-client';
import type { ObservedRequest, RequestObserver } from '../request-observer.ts';
import type { StoreUnavailable } from '../store/unavailable.ts';
import { VERSION } from '../version.ts';
import { type Collector, createCollectors, type MetricSources } from './collectors.ts';
import { createInstruments, type Instruments } from './instruments.ts';
import { createModelLabels } from './model-labels.ts';
import { countCommits } from './observe-commits.ts';

/** What this coordinator has counted and measured, and the state of what it shares with others. */
export interface Metrics {
  /** Told of all requests by the HTTP server. */
  requests: RequestObserver;
  /** Resolves with all metrics in the text format of Prometheus. Never rejects: values that can't be read are missing. */
  text(): Promise<string>;
  readonly contentType: string;
}

export function createMetrics(sources: MetricSources): Metrics {
  const { store } = sources;
  const { registry, instruments } = createInstruments();
  collectDefaultMetrics({ register: registry });
  instruments.build.set({ version: VERSION, engine: store.isShared ? 'postgresql' : 'sqlite' }, 1);
  store.onCommit(countCommits(instruments, createModelLabels()));
  store.onFault(({ fault }: StoreUnavailable) => instruments.storeErrors.inc({ fault }));
  countDeliveries(instruments, sources.webhooks.events);
  const requests = createRequestObserver(instruments);
  const collectors = createCollectors(instruments, sources);
  let collecting: Promise<void> | undefined;

  /** Scrapes at the same time share one collection, since collectors set the same gauges. */
  function collect(): Promise<void> {
    collecting ??= collectAll(collectors, instruments).finally(() => {
      collecting = undefined;
    });
    return collecting;
  }

  return {
    requests: requests.observer,
    async text() {
      await collect();
      instruments.requestsInFlight.set(requests.inFlight());
      return await registry.metrics();
    },
    contentType: registry.contentType,
  };
}

function countDeliveries(
  { webhookDeliveries, webhookSeconds, webhooksDisabled }: Instruments,
  events: MetricSources['webhooks']['events'],
): void {
  const seconds = webhookSeconds.labels();
  events.onAttempt(({ outcome, durationMs }) => {
    webhookDeliveries.inc({ outcome });
    seconds.observe(durationMs / 1000);
  });
  events.onDisabled(({ reason }) => webhooksDisabled.inc({ reason }));
}

/** Counts requests. As every request is counted, what can be looked up or added up later is left for then. */
function createRequestObserver({ requestSeconds, rejections }: Instruments): {
  observer: RequestObserver;
  inFlight(): number;
} {
  let inFlight = 0;
  return {
    inFlight: () => inFlight,
    observer: {
      began() {
        inFlight++;
      },
      ended({ method, route, status, seconds, limit }: ObservedRequest) {
        inFlight--;
        requestSeconds.labels(method, route, status).observe(seconds);
        if (limit !== undefined) rejections.inc({ limit });
      },
    },
  };
}

/** How long a group of values may take. Prometheus itself waits for ten seconds, unless configured otherwise. */
const COLLECT_MS = 3_000;

async function collectAll(
  collectors: Readonly<Record<string, Collector>>,
  { collectorFailed }: Instruments,
): Promise<void> {
  await Promise.all(
    Object.entries(collectors).map(async ([collector, { clear, collect }]) => {
      try {
        const values = await withinTime(collect());
        clear();
        values();
        collectorFailed.set({ collector }, 0);
      } catch {
        clear();
        collectorFailed.set({ collector }, 1);
      }
    }),
  );
}

/** @throws if the promise has not settled in time */
async function withinTime<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('The values could not be read in time')), COLLECT_MS);
  });
  return await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
