import type { Store } from '../store/store.ts';

/** Wakes the claims that wait for answers. */
export interface Wakes {
  /**
   * Returns a function that waits until answers come, for at most the given ms, or until `gone` aborts. Answers that come
   * before it is called count.
   */
  next(gone: AbortSignal): (ms: number) => Promise<void>;
  /** Whether the coordinator stops. */
  readonly closed: boolean;
}

/** How often waiting claims look for answers that another process has stored. */
const LOOK_EVERY_MS = 5_000;

export function createWakes(store: Pick<Store, 'onCommit'>, closing: AbortSignal): Wakes {
  let wake: () => void = () => {};
  let woken = new Promise<void>(resolve => {
    wake = resolve;
  });
  const wakeAll = () => {
    wake();
    woken = new Promise<void>(resolve => {
      wake = resolve;
    });
  };
  store.onCommit(events => {
    if (events.some(({ type }) => type === 'verifications.waiting')) wakeAll();
  });
  closing.addEventListener('abort', wakeAll, { once: true });

  return {
    get closed() {
      return closing.aborted;
    },
    next(gone) {
      const current = woken;
      return async ms => {
        if (gone.aborted || closing.aborted) return;
        let end: () => void = () => {};
        const ended = new Promise<void>(resolve => {
          end = resolve;
        });
        const timer = setTimeout(end, Math.min(ms, LOOK_EVERY_MS));
        gone.addEventListener('abort', end, { once: true });
        await Promise.race([current, ended]);
        clearTimeout(timer);
        gone.removeEventListener('abort', end);
      };
    },
  };
}
