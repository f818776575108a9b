import { useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useEffect, useRef, useSyncExternalStore } from 'react';
import { publicClient } from './client.ts';
import { createLiveStore, type LiveState } from './live-store.ts';

const store = createLiveStore(publicClient);
const LiveContext = createContext<LiveState>(store.get());

/** How long a page shows what it read, at least. */
const READ_AGAIN_MS = 3_000;
/** Browsers are told of changes at the same moment. They read them one after the other. */
const SPREAD_MS = 700;

/** Keeps the live connection open, and reads again what pages show when there is something new. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const state = useSyncExternalStore(store.subscribe, store.get);
  useEffect(() => store.start(), []);
  useReadAgain(newestOf(state));
  return <LiveContext.Provider value={state}>{children}</LiveContext.Provider>;
}

/** Reads the live queries again when `newest` changes, but not more often than a reader can follow. */
function useReadAgain(newest: string): void {
  const queries = useQueryClient();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const readAt = useRef(0);
  useEffect(() => {
    if (newest === '' || timer.current !== undefined) return;
    const rest = Math.max(readAt.current + READ_AGAIN_MS - Date.now(), 0);
    timer.current = setTimeout(
      () => {
        timer.current = undefined;
        readAt.current = Date.now();
        void queries.invalidateQueries({ predicate: query => query.meta?.live === true });
      },
      rest + Math.random() * SPREAD_MS,
    );
  }, [newest, queries]);
  useEffect(() => () => clearTimeout(timer.current), []);
}

/** Changes whenever there is a new entry, a new block, or a miner more or less. */
function newestOf({ overview }: LiveState): string {
  if (!overview) return '';
  const { stats, miners, transactions } = overview;
  return [stats.block_height, transactions[0]?.hash, miners.taking_jobs, stats.total_miners].join();
}

/** Returns the overview as it is now, and whether it is live. */
export const useLive = (): LiveState => useContext(LiveContext);
