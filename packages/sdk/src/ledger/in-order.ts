/** Bundles that are fetched at a time. */
export const DEFAULT_PARALLEL = 8;

/**
 * Works on up to `parallel` items at a time and yields what comes of them in their order. No more than `parallel`
 * results wait. The signal that the work gets aborts when `signal` does, and when nobody wants more.
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
      // It may fail before its turn comes, which is not unexpected.
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
