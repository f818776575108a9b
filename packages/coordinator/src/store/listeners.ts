import type { StoreEvent, StoreListener } from './events.ts';
import type { Store } from './store.ts';

/** Who wants to hear of commits. */
export interface Listeners extends Pick<Store, 'onCommit'> {
  tell(events: readonly StoreEvent[]): void;
}

export function createListeners(): Listeners {
  const listeners = new Set<StoreListener>();
  return {
    onCommit(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    tell(events) {
      if (events.length > 0) for (const listener of listeners) listener(events);
    },
  };
}
