import type { LiveEvent, Overview } from '@aitbc/protocol';
import { fail } from '../../errors.ts';
import { SAMPLE_MS } from '../options.ts';
import { readCounters } from '../queries.ts';
import { changesBetween } from './changes.ts';
import { type OverviewSources, readOverview } from './read-overview.ts';

/** The overview, which is computed once for all who look at it. */
export interface OverviewFeed {
  /** Returns the overview as JSON, at most `SAMPLE_MS` old, with a tag that changes when it does. */
  current(): Promise<{ json: string; etag: string }>;
  /**
   * Yields the whole overview and then what changes, until the signal aborts. A viewer that is slow gets the whole
   * overview again instead of the changes that it missed. Throws RequestError where too many are watching.
   */
  watch(signal: AbortSignal): AsyncGenerator<{ event: LiveEvent['event']; json: string }>;
  /** Takes a sample of the counters, and tells those who watch what has changed. */
  step(): Promise<void>;
}

export interface OverviewFeedOptions extends OverviewSources {
  now: () => number;
  maxViewers: number;
  /** Aborts when the coordinator stops. */
  closing: AbortSignal;
}

interface Version {
  number: number;
  overview: Overview;
  json: string;
  /** What has changed since the version before, as JSON. */
  change: string;
}

export function createOverviewFeed(options: OverviewFeedOptions): OverviewFeed {
  const { store, rates, now, maxViewers, closing } = options;
  const origin = now().toString(36);
  let version: Version | undefined;
  let viewers = 0;
  let sampling: Promise<ReadonlyMap<string, number>> | undefined;
  let counters: ReadonlyMap<string, number> = new Map();
  let next = Promise.withResolvers<void>();

  async function sample(): Promise<ReadonlyMap<string, number>> {
    counters = await readCounters(store.read);
    rates.sample(counters, now());
    return counters;
  }

  async function refresh(): Promise<Version> {
    const overview = await readOverview(options, counters);
    const change = version ? JSON.stringify(changesBetween(version.overview, overview)) : '{}';
    if (version && change === '{}') return version;
    version = { number: (version?.number ?? 0) + 1, overview, json: JSON.stringify(overview), change };
    next.resolve();
    next = Promise.withResolvers();
    return version;
  }

  /** Callers at the same time share one reading. */
  function latest(): Promise<Version> {
    const isFresh = Math.abs(now() - rates.sampledAt()) < SAMPLE_MS;
    if (version && isFresh) return Promise.resolve(version);
    sampling ??= sample().finally(() => {
      sampling = undefined;
    });
    return sampling.then(refresh);
  }

  return {
    async current() {
      const { json, number } = await latest();
      return { json, etag: `"${origin}-${number}"` };
    },
    async *watch(signal) {
      if (viewers >= maxViewers) fail('SYSTEM_OVERLOADED', 'Too many are watching', { retryAfter: 10 });
      const ended = Promise.withResolvers<void>();
      const end = () => ended.resolve();
      viewers++;
      for (const one of [signal, closing]) one.addEventListener('abort', end, { once: true });
      try {
        let seen = await latest();
        yield { event: 'overview', json: seen.json };
        while (!signal.aborted && !closing.aborted) {
          if (version && version.number > seen.number) {
            const isNext = version.number === seen.number + 1;
            seen = version;
            yield isNext ? { event: 'change', json: seen.change } : { event: 'overview', json: seen.json };
          } else await Promise.race([next.promise, ended.promise]);
        }
      } finally {
        viewers--;
        for (const one of [signal, closing]) one.removeEventListener('abort', end);
      }
    },
    async step() {
      await sample();
      if (viewers > 0) await refresh();
    },
  };
}
