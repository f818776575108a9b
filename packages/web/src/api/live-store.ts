import type { CoordinatorClient, Overview } from '@aitbc/sdk';

/**
 * - `connecting`: there is nothing to show yet.
 * - `live`: changes arrive.
 * - `stale`: the connection broke, or is silent; it is opened again.
 * - `offline`: the browser has no network.
 * - `paused`: nobody looks at the page.
 */
export type LiveStatus = 'connecting' | 'live' | 'stale' | 'offline' | 'paused';

export interface LiveState {
  status: LiveStatus;
  overview: Overview | undefined;
  /** When the overview arrived last, in ms since the epoch. */
  updatedAt: number | undefined;
}

export interface LiveStore {
  get(): LiveState;
  subscribe(listener: () => void): () => void;
  /** Opens the connection, and keeps it while the page is visible. Returns a function that ends it. */
  start(): () => void;
}

/** The coordinator sends something every two seconds. */
const SILENT_MS = 9_000;
const CHECK_MS = 1_000;
/** How often the overview is asked for while there is no connection. */
const POLL_MS = 10_000;

/** The one connection by which the page stays up to date. */
export function createLiveStore(client: CoordinatorClient): LiveStore {
  let state: LiveState = { status: 'connecting', overview: undefined, updatedAt: undefined };
  const listeners = new Set<() => void>();
  let connection: AbortController | undefined;

  function set(change: Partial<LiveState>) {
    const isSame = Object.entries(change).every(([name, value]) => state[name as keyof LiveState] === value);
    if (isSame) return;
    state = { ...state, ...change };
    for (const listener of listeners) listener();
  }

  const take = (overview: Overview, status: LiveStatus) => set({ overview, status, updatedAt: Date.now() });

  const broken = () => set({ status: navigator.onLine ? 'stale' : 'offline' });

  async function follow({ signal }: AbortController) {
    try {
      for await (const overview of client.explorer.live({ signal, onBreak: broken })) take(overview, 'live');
    } catch {
      if (!signal.aborted) broken();
    }
  }

  function open() {
    connection?.abort();
    connection = new AbortController();
    void follow(connection);
  }

  function close(status: LiveStatus) {
    connection?.abort();
    connection = undefined;
    set({ status });
  }

  function onVisibility() {
    if (document.hidden) close('paused');
    else open();
  }

  let lastPoll = 0;
  /** Says when nothing arrives, and asks for the overview where no connection brings it. */
  function check() {
    const { status, updatedAt = 0 } = state;
    if (status === 'paused' || status === 'offline') return;
    const isSilent = Date.now() - updatedAt > SILENT_MS;
    if (isSilent && status === 'live') set({ status: 'stale' });
    if (status === 'live' || !isSilent || Date.now() - lastPoll < POLL_MS) return;
    lastPoll = Date.now();
    client.explorer.overview({ maxRetries: 0 }).then(
      overview => state.status !== 'live' && take(overview, 'stale'),
      () => {},
    );
  }

  return {
    get: () => state,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    start() {
      lastPoll = Date.now();
      const timer = setInterval(check, CHECK_MS);
      const online = () => !document.hidden && open();
      const offline = () => close('offline');
      document.addEventListener('visibilitychange', onVisibility);
      addEventListener('online', online);
      addEventListener('offline', offline);
      onVisibility();
      return () => {
        clearInterval(timer);
        document.removeEventListener('visibilitychange', onVisibility);
        removeEventListener('online', online);
        removeEventListener('offline', offline);
        connection?.abort();
      };
    },
  };
}
