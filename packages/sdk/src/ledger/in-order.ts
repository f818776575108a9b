/** How many bundles are fetched at once by default. */
export const DEFAULT_PARALLEL = 8;

/**
 * Works on up to `parallel` items at once and yields the results in the order of the items. At most
 * `parallel` results are held. The work's signal aborts when `signal` does, and when the consumer stops.
 */
export async function* inOrder<Item, Result>(
  items: Iterable<Item>,
  { parallel, signal }: { parallel: number; signal?: AbortSignal | undefined },
  work: (item: Item, signal: AbortSignal) => Promise<Result>,
): AsyncGenerator<Result> {
  const stopping = new AbortController();
  const stop = () => stopping.abort(signal?.reason);
  signal?.addEventListener('abort', stop, { once: true });
  const underway: Promise<Result>[] = [];
  try {
    for (const item of items) {
      signal?.throwIfAborted();
      const result = work(item, stopping.signal);
      // A result may fail before its turn, which must not count as an unhandled rejection.
      result.catch(() => {});
      underway.push(result);
      const first = underway.length < parallel ? undefined : underway.shift();
      if (first) yield await first;
    }
    for (const result of underway) yield await result;
  } finally {
    signal?.removeEventListener('abort', stop);
    stopping.abort();
  }
}
