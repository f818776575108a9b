import { setTimeout } from 'node:timers/promises';
import type { Store } from '../store/store.ts';
import { createDirectory, type Directory } from './directory.ts';
import { listAway, listPresent } from './queries.ts';

const CATCH_UP_RETRY_MS = 1_000;

export interface DirectoryFeed {
  store: Store;
  now: () => number;
  /** How long a model is remembered after its last miner left. */
  memoryMs: number;
  closing: AbortSignal;
}

/** Opens the directory of a store's miners and keeps it up to date from commits. */
export async function openDirectory({ store, now, memoryMs, closing }: DirectoryFeed): Promise<Directory> {
  const directory = createDirectory(now, memoryMs);
  store.onCommit(events => {
    directory.apply(events);
    if (events.some(event => event.type === 'missed')) void catchUp(store, directory, closing);
  });
  directory.remember(await listAway(store.read, now() - memoryMs));
  await directory.reset(() => listPresent(store.read));
  return directory;
}

/** Reads the live miners again, and retries until that succeeds. Commits in the meantime are applied too. */
async function catchUp(store: Store, directory: Directory, closing: AbortSignal): Promise<void> {
  while (!closing.aborted) {
    try {
      return await directory.reset(() => listPresent(store.read));
    } catch {
      await setTimeout(CATCH_UP_RETRY_MS, undefined, { ref: false });
    }
  }
}
