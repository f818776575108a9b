import { useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useEffect, useSyncExternalStore } from 'react';
import { publicClient } from './client.ts';
import { createLiveStore, type LiveState } from './live-store.ts';

const store = createLiveStore(publicClient);
const LiveContext = createContext<LiveState>(store.get());

/** Keeps the live connection open, and reads again what pages show when there is something new. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const state = useSyncExternalStore(store.subscribe, store.get);
  const queries = useQueryClient();
  useEffect(() => store.start(), []);
  const newest = newestOf(state);
  useEffect(() => {
    if (newest !== '') void queries.invalidateQueries({ predicate: query => query.meta?.live === true });
  }, [newest, queries]);
  return <LiveContext.Provider value={state}>{children}</LiveContext.Provider>;
}

/** Changes whenever there is a new entry, a new block, or a miner more or less. */
function newestOf({ overview }: LiveState): string {
  if (!overview) return '';
  const { stats, miners, transactions } = overview;
  return [stats.block_height, transactions[0]?.hash, miners.taking_jobs, stats.total_miners].join();
}

/** Returns the overview as it is now, and whether it is live. */
export const useLive = (): LiveState => useContext(LiveContext);
