import type { LiveEvent, Overview } from '@aitbc/protocol';
import { OVERVIEW_LENGTHS } from '@aitbc/protocol/limits';
import { ConnectionError } from './errors.ts';
import type { EventsOptions } from './events.ts';
import type { Settings } from './options.ts';
import { retryDelay } from './retry.ts';

export interface LiveOptions extends Omit<EventsOptions, 'after'> {
  /** Called when a connection breaks. `retryMs` is the pause until the next one is opened. */
  onBreak?: ((error: unknown, retryMs: number) => void) | undefined;
}

/** Yields the overview as it changes, over as many connections as needed. */
export async function* followOverview(
  open: () => Promise<AsyncIterable<LiveEvent> | undefined>,
  settings: Settings,
  { maxRetries = Number.POSITIVE_INFINITY, signal, onBreak }: LiveOptions,
): AsyncGenerator<Overview, void> {
  for (let retries = 0; ; retries++) {
    let failure: unknown;
    try {
      let overview: Overview | undefined;
      for await (const event of (await open()) ?? []) {
        retries = 0;
        if (event.event === 'overview') overview = event.data;
        else if (overview) overview = withChange(overview, event.data);
        if (overview) yield overview;
      }
    } catch (error) {
      failure = error;
    }
    failure ??= new ConnectionError('the coordinator', new Error('it ended the stream'));
    signal?.throwIfAborted();
    const delay = retryDelay(failure, { repeatable: true, retries, random: settings.random });
    if (delay === null || retries >= maxRetries) throw failure;
    onBreak?.(failure, delay);
    await settings.sleep(delay, signal);
  }
}

function withChange(overview: Overview, change: Partial<Overview>): Overview {
  const { rates = [], transactions = [], blocks = [] } = change;
  return {
    ...overview,
    ...change,
    rates: [...overview.rates, ...rates].slice(-OVERVIEW_LENGTHS.rates),
    transactions: merge(transactions, overview.transactions, 'hash').slice(0, OVERVIEW_LENGTHS.transactions),
    blocks: merge(blocks, overview.blocks, 'height').slice(0, OVERVIEW_LENGTHS.blocks),
  };
}

/** Puts new items before the known ones, and changed items in their place. */
function merge<Item>(changed: readonly Item[], known: readonly Item[], key: keyof Item): Item[] {
  const byKey = new Map(changed.map(item => [item[key], item]));
  const isKnown = new Set(known.map(item => item[key]));
  const added = changed.filter(item => !isKnown.has(item[key]));
  return [...added, ...known.map(item => byKey.get(item[key]) ?? item)];
}
