import { setTimeout } from 'node:timers/promises';
import type { Store } from '../store/store.ts';
import { createDirectory, type Directory } from './directory.ts';
import { listAway, listOnline } from './queries.ts';

const CATCH_UP_AGAIN_MS = 1_000;

export interface DirectoryFeed {
  store: Store;
  now: () => number;
  /** Models whose last miner left so long ago are remembered. */
  memoryMs: number;
  closing: AbortSignal;
}

/** The directory of a store's miners, kept up to date by what is committed. */
export async function openDirectory({ store, now, memoryMs, closing }: DirectoryFeed): Promise<Directory> {
  const directory = createDirectory(now);
  store.onCommit(events => {
    directory.apply(events);
    if (events.some(event => event.type === 'missed')) void catchUp(store, directory, closing);
  });
  directory.remember(await listAway(store.read, now() - memoryMs));
  await directory.reset(() => listOnline(store.read));
  return directory;
}

/** Reads the live miners anew, and again until that succeeds. What changes meanwhile is told once more. */
async function catchUp(store: Store, directory: Directory, closing: AbortSignal): Promise<void> {
  while (!closing.aborted) {
    try {
      return await directory.reset(() => listOnline(store.read));
    } catch {
      await setTimeout(CATCH_UP_AGAIN_MS, undefined, { ref: false });
    }
  }
}
