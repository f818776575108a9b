import { useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useEffect, useRef, useSyncExternalStore } from 'react';
import { publicClient } from './client.ts';
import { createLiveStore, type LiveState } from './live-store.ts';

const store = createLiveStore(publicClient);
const LiveContext = createContext<LiveState>(store.get());

/** How long a page shows what it read, at least: lists of what arrives, and what changes bit by bit. */
const READ_AGAIN_MS = { fast: 4_000, slow: 15_000 };
type Pace = keyof typeof READ_AGAIN_MS;
/** Browsers are told of changes at the same moment. They read them one after the other. */
const SPREAD_MS = 700;

/** Keeps the live connection open, and reads again what pages show when there is something new. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const state = useSyncExternalStore(store.subscribe, store.get);
  useEffect(() => store.start(), []);
  const newest = newestOf(state);
  useReadAgain('fast', newest);
  useReadAgain('slow', newest);
  return <LiveContext.Provider value={state}>{children}</LiveContext.Provider>;
}

/** Reads the live queries of a pace again when `newest` changes. */
function useReadAgain(pace: Pace, newest: string): void {
  const queries = useQueryClient();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const readAt = useRef(0);
  useEffect(() => {
    if (newest === '' || timer.current !== undefined) return;
    const rest = Math.max(readAt.current + READ_AGAIN_MS[pace] - Date.now(), 0);
    timer.current = setTimeout(
      () => {
        timer.current = undefined;
        readAt.current = Date.now();
        void queries.invalidateQueries({ predicate: query => query.meta?.live === pace });
      },
      rest + Math.random() * SPREAD_MS,
    );
  }, [newest, queries, pace]);
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
