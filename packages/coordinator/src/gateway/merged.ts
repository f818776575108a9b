type Came<T, R> = { at: number; result: IteratorResult<T, R> } | { at: number; error: unknown };

/**
 * What generators yield, as it comes, and what they return, in their own order. Each is asked for more when what it
 * yielded last has been taken. The first error of one ends them all.
 */
export async function* merged<T, R>(sources: readonly AsyncGenerator<T, R>[]): AsyncGenerator<T, R[]> {
  const [only, ...others] = sources;
  if (only && others.length === 0) return [yield* only];
  const returned: R[] = [];
  const ready: Came<T, R>[] = [];
  let woken = Promise.withResolvers<void>();
  const came = (one: Came<T, R>) => {
    ready.push(one);
    woken.resolve();
  };
  const ask = (at: number) =>
    sources[at]?.next().then(
      result => came({ at, result }),
      error => came({ at, error }),
    );
  try {
    for (const at of sources.keys()) void ask(at);
    for (let open = sources.length; open > 0; ) {
      await woken.promise;
      woken = Promise.withResolvers();
      for (const one of ready.splice(0)) {
        if ('error' in one) throw one.error;
        if (one.result.done) {
          returned[one.at] = one.result.value;
          open--;
          continue;
        }
        yield one.result.value;
        void ask(one.at);
      }
    }
    return returned;
  } finally {
    // Not waited for: one that is asked for more ends when it has answered that.
    for (const source of sources) source.return(undefined as never).catch(() => {});
  }
}
