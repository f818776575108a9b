export interface MutexLock {
  /** Lets the next caller run. A second call does nothing. */
  release(): void;
}

/** A lock that its callers get one at a time, in order of arrival. */
export function createMutex(): { acquire(): Promise<MutexLock> } {
  let last: Promise<void> = Promise.resolve();
  return {
    async acquire() {
      const { promise, resolve } = Promise.withResolvers<void>();
      const before = last;
      last = promise;
      await before;
      return { release: resolve };
    },
  };
}
