export interface Turn {
  /** Gives way to the next. Again, it does nothing. */
  end(): void;
}

/** One at a time, in the order in which they came. */
export function createTurns(): { take(): Promise<Turn> } {
  let last: Promise<void> = Promise.resolve();
  return {
    async take() {
      const { promise, resolve } = Promise.withResolvers<void>();
      const before = last;
      last = promise;
      await before;
      return { end: resolve };
    },
  };
}
