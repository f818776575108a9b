type Arrival<T, R> = { at: number; result: IteratorResult<T, R> } | { at: number; error: unknown };

/**
 * Yields what the generators yield, in order of arrival, and returns what they return, in the order of `sources`. Each
 * generator is asked for its next value when the caller has taken the last one. The first error ends all of them.
 */
export async function* mergeGenerators<T, R>(
  sources: readonly AsyncGenerator<T, R>[],
): AsyncGenerator<T, R[]> {
  const [only, ...others] = sources;
  if (only && others.length === 0) return [yield* only];
  const returned: R[] = [];
  const ready: Arrival<T, R>[] = [];
  let woken = Promise.withResolvers<void>();
  const arrive = (arrival: Arrival<T, R>) => {
    ready.push(arrival);
    woken.resolve();
  };
  const ask = (at: number) =>
    sources[at]?.next().then(
      result => arrive({ at, result }),
      error => arrive({ at, error }),
    );
  try {
    for (const at of sources.keys()) void ask(at);
    for (let open = sources.length; open > 0; ) {
      await woken.promise;
      woken = Promise.withResolvers();
      for (const arrival of ready.splice(0)) {
        if ('error' in arrival) throw arrival.error;
        if (arrival.result.done) {
          returned[arrival.at] = arrival.result.value;
          open--;
          continue;
        }
        yield arrival.result.value;
        void ask(arrival.at);
      }
    }
    return returned;
  } finally {
    // Nothing waits for this: a generator that is still working on a value ends after that value.
    for (const source of sources) source.return(undefined as never).catch(() => {});
  }
}
