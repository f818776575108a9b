import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type LoadOptions, load } from '../generator.ts';
import type { LoadResult } from '../results.ts';
import { freePort, type OwnServer, type StoreName, startCoordinator, startProgram } from '../server.ts';
import { quartersOf } from './memory.ts';
import type { Progress } from './progress.ts';
import { readReceived, registerWebhook } from './webhooks.ts';

export interface Soak {
  /** Lifecycles a second without a pause, of which the soak has half. */
  most: number;
  result: LoadResult;
  /** The mean resident bytes of each quarter. The first quarter warms up. */
  quarters: readonly number[];
  /** The last quarter divided by the second. */
  growth: number;
  deliveries: number;
  /** What should not have happened. */
  missed: readonly string[];
}

/** The memory of the last quarter, as a multiple of that of the second: more counts as growth. */
export const MOST_GROWTH = 1.1;

export interface SoakOptions extends Pick<LoadOptions, 'connections' | 'warmup'> {
  store: StoreName;
  /** How long half of the load lasts. */
  seconds: number;
  /** How long the most is measured before. */
  mostSeconds: number;
}

const FLAGS = [
  ...['--webhook-allow', '127.0.0.1', '--limits', 'on'],
  // Limits that count every request, and that this load never reaches.
  ...[
    '--tiers',
    JSON.stringify({ public: { requests_per_minute: 100_000_000, jobs_per_second: 1_000_000 } }),
  ],
];
const PROGRAM = fileURLToPath(new URL('../receivers.ts', import.meta.url));
const SCRAPE_MS = 1_000;
/** How long deliveries and the ledger may be behind when the load has ended. */
const CATCH_UP_MS = 60_000;

/**
 * Loads a coordinator with half of what it can do, with limits, metrics and a webhook that is told of each completed job,
 * and looks at its memory and for errors. A request that fails rejects.
 */
export async function soak(options: SoakOptions, progress: Progress): Promise<Soak> {
  const { connections, warmup, seconds, mostSeconds, store } = options;
  const received = await startProgram([PROGRAM, '--count', '2']);
  const metricsPort = await freePort();
  const flags = [...FLAGS, '--metrics-listen', `${metricsPort}`];
  const server = await startCoordinator({ store, flags });
  const metricsUrl = `http://127.0.0.1:${metricsPort}/metrics`;
  try {
    const [url = ''] = (await readReceived(received)).urls;
    await registerWebhook(server, url, 'job.completed');
    if (warmup > 0) await server.settle?.();
    progress(`The most, for ${mostSeconds} s`);
    const { perSecond: most } = await load(server, {
      connections,
      warmup,
      seconds: mostSeconds,
      fetch: 'get',
    });
    await caughtUp(metricsUrl);
    progress(`Half of ${most.toFixed(0)} lifecycles/s, for ${seconds} s`);
    const watch = watchMemory(server, metricsUrl, progress);
    const half = { connections, warmup: 0, seconds, fetch: 'get' as const, rate: most / 2 };
    const result = await load(server, half).finally(watch.stop);
    await caughtUp(metricsUrl);
    const quarters = quartersOf(watch.samples);
    const growth = (quarters[3] ?? Number.NaN) / (quarters[1] ?? Number.NaN);
    const { deliveries } = await readReceived(received);
    const missed = [...(await faultsOf(metricsUrl)), ...(growth <= MOST_GROWTH ? [] : ['memory'])];
    return { most, result, quarters, growth, deliveries, missed };
  } finally {
    await server.stop();
    await received.stop();
  }
}

/** Scrapes metrics as Prometheus does, and notes the memory each time. */
function watchMemory(server: OwnServer, metricsUrl: string, progress: Progress) {
  const samples: number[] = [];
  let isOver = false;
  const begun = performance.now();
  const watching = (async () => {
    while (!isOver) {
      await metricsOf(metricsUrl);
      samples.push(server.residentBytes());
      if (samples.length % 60 === 0) progress(`${Math.round((performance.now() - begun) / 1000)} s`);
      await pause(SCRAPE_MS);
    }
  })();
  watching.catch(() => {});
  return {
    samples,
    async stop() {
      isOver = true;
      await watching;
    },
  };
}

/** Metrics by name and labels. */
async function metricsOf(url: string): Promise<Map<string, number>> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`GET ${url}: ${answer.status}`);
  const lines = (await answer.text()).split('\n').filter(line => line !== '' && !line.startsWith('#'));
  return new Map(lines.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}

/** Waits until all webhooks are delivered and the ledger is published. */
async function caughtUp(metricsUrl: string): Promise<void> {
  const until = performance.now() + CATCH_UP_MS;
  while (performance.now() < until) {
    const metrics = await metricsOf(metricsUrl);
    const behind = ['aitbc_webhook_deliveries_pending', 'aitbc_ledger_lag_entries'];
    if (behind.every(name => metrics.get(name) === 0)) return;
    await pause(SCRAPE_MS);
  }
}

/** Returns the metrics that say that something failed, or is still behind. */
async function faultsOf(metricsUrl: string): Promise<string[]> {
  const isFault = (name: string) =>
    /^aitbc_http_request_duration_seconds_count\{.*status="(5xx|aborted)"/.test(name) ||
    /^aitbc_(store_errors_total|jobs_failed_total|limit_rejections_total|lease_expirations_total)/.test(
      name,
    ) ||
    /^aitbc_webhook_deliveries_total\{outcome="failed"\}/.test(name) ||
    /^aitbc_(webhook_deliveries_pending|ledger_lag_entries|ledger_conflict)$/.test(name);
  return [...(await metricsOf(metricsUrl))]
    .filter(([name, value]) => isFault(name) && value > 0)
    .map(([name, value]) => `${name} ${value}`);
}
