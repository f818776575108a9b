import type { StoreEvent, StoreListener } from './events.ts';
import type { Store } from './store.ts';

/** The listeners for committed events. */
export interface Listeners extends Pick<Store, 'onCommit'> {
  notify(events: readonly StoreEvent[]): void;
}

export function createListeners(): Listeners {
  const listeners = new Set<StoreListener>();
  return {
    onCommit(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    notify(events) {
      if (events.length > 0) for (const listener of listeners) listener(events);
    },
  };
}
