import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { nodesOfTiles, openCheckpoint, rootAt } from '@aitbc/tlog';
import { type Config, ConfigError } from '../config.ts';
import type { Store } from '../store/store.ts';
import type { LogKeys } from './log-key.ts';
import { readLatest, readTree, tileReader } from './queries.ts';

export const lastCheckpointPath = ({ ledgerCheckpoint, data }: Pick<Config, 'ledgerCheckpoint' | 'data'>) =>
  ledgerCheckpoint ?? join(data, 'ledger-checkpoint');

/** Keeps what was signed last in a file, on disk when it resolves. A crash leaves the one before, or this one. */
export async function keepCheckpoint(path: string, note: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}`;
  const file = await open(draft, 'w', 0o600);
  try {
    await file.writeFile(note);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
  const folder = await open(dirname(path), 'r');
  await folder.sync().finally(() => folder.close());
}

/**
 * Refuses a store that does not lead on from what was signed last: one that was restored from a backup, say. What it
 * would sign next would contradict what others have seen.
 *
 * @throws {ConfigError}
 */
export async function requireSameHistory(path: string, keys: LogKeys, store: Store): Promise<void> {
  const latest = await readLatest(store.read);
  if (latest) await requireTree(latest.size, latest.root, 'the last checkpoint in it', store);
  const note = await readIfThere(path);
  if (note === undefined) return;
  const { size, root } = await openCheckpoint(note, { log: keys.log.vkey }).catch((error: Error) => {
    throw new ConfigError(`--ledger-checkpoint ${path} is no checkpoint of ${keys.origin}: ${error.message}`);
  });
  await requireTree(
    size,
    Buffer.from(root).toString('hex'),
    `the checkpoint that was signed last (${path})`,
    store,
  );
}

async function requireTree(size: number, root: string, what: string, { read }: Store): Promise<void> {
  const tree = await readTree(read);
  if (tree.size < size) {
    throw new ConfigError(
      `The ledger in the store has ${tree.size} entries, but ${what} is over ${size}. It may come from an old backup: to go on from it would rewrite what others have seen. Bring the newest store here`,
    );
  }
  const found = Buffer.from(await rootAt(size, nodesOfTiles(tileReader(read)))).toString('hex');
  if (found === root) return;
  throw new ConfigError(
    `The ledger in the store has other entries than ${what}, over ${size} of them, says: it is not the store that was published from`,
  );
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new ConfigError(`--ledger-checkpoint ${path} can't be read: ${(error as Error).message}`);
  }
}
