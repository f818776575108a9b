import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { type NodeReader, openCheckpoint, type VerifierKey } from '@aitbc/tlog';
import { ConfigError } from '../option.ts';
import type { StoreConfig } from '../store/options.ts';
import { keepPrivate } from '../store/private-files.ts';
import { LedgerConflict, requireExtension, type TreeHead } from './conflict.ts';
import type { LogKeys } from './log-key.ts';
import type { LedgerConfig } from './options.ts';

/*
 * The guard file: the last checkpoint that was signed, kept apart from the store. A database that was restored, or failed
 * over to, can lack what was signed; the file does not. It only ever moves on to a tree that begins with the one in it.
 */

type Places = Partial<Pick<LedgerConfig, 'ledgerCheckpoint'>> & Pick<StoreConfig, 'data'>;

/** Where the file is unless the operator says otherwise. */
const standardPath = ({ data }: Places) => join(data, 'ledger-checkpoint');

export const lastCheckpointPath = (places: Places) => places.ledgerCheckpoint ?? standardPath(places);

/** Brings the file to where the operator now wants it, from where it is otherwise. */
export async function bringGuardFile(places: Places): Promise<void> {
  const [from, to] = [standardPath(places), lastCheckpointPath(places)];
  if (from === to || (await readIfThere(to)) !== undefined) return;
  const note = await readIfThere(from);
  if (note === undefined) return;
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  await replaceFile(to, note);
}

/** A checkpoint as it was signed. */
export interface Kept {
  note: string;
  size: number;
  /** hex */
  root: string;
}

export interface GuardFile {
  readonly path: string;
  /**
   * What the file has; undefined where there is none, or one of the ledger before a restore. Throws ConfigError for what
   * can't be read, or is another log's.
   */
  read(): Promise<Kept | undefined>;
  /** Whether there is no file. */
  isMissing(): Promise<boolean>;
  /**
   * Compares a tree of the store with what was signed last.
   *
   * @throws {LedgerConflict} where the tree does not begin with that
   */
  require(tree: TreeHead): Promise<void>;
  /**
   * Puts a checkpoint into the file, on disk when it resolves, unless the file has it or a later one. A crash leaves the
   * one before, or this one.
   *
   * @throws {LedgerConflict} where it contradicts the one in the file, which stays
   */
  keep(note: string): Promise<void>;
}

/**
 * @param nodes of the tree in the store
 * @param previous key of the ledger that the store was restored from: its checkpoint says nothing of this one
 */
export function guardFile(path: string, keys: LogKeys, nodes: NodeReader, previous?: VerifierKey): GuardFile {
  /** The last one that was read or written here: the file may be deleted while the coordinator runs. */
  let known: Kept | undefined;

  async function read(): Promise<Kept | undefined> {
    const note = await readIfThere(path);
    if (note === undefined || note === known?.note) return known;
    const kept = await openKept(note, keys.log.vkey).catch(async (error: Error) => {
      if (previous && (await isSignedBy(note, previous))) return undefined;
      throw new ConfigError(
        `--ledger-checkpoint ${path} is no checkpoint of ${keys.origin}: ${error.message}`,
      );
    });
    if (kept && (!known || kept.size >= known.size)) known = kept;
    return kept;
  }

  async function requireKept(tree: TreeHead): Promise<Kept | undefined> {
    const kept = newer(await read(), known);
    if (kept) await requireExtension(kept, tree, nodes, `the checkpoint that was signed last (${path})`);
    return kept;
  }

  return {
    path,
    read,
    isMissing: async () => (await readIfThere(path)) === undefined,
    async require(tree) {
      await requireKept(tree);
    },
    async keep(note) {
      if (known?.note === note) return;
      const next = await openKept(note, keys.log.vkey);
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await underLock(path, async () => {
        const kept = await read();
        // Another coordinator that shares the file may be further.
        if (kept && kept.size > next.size) return;
        await requireKept(next);
        if (kept?.size !== next.size || kept.note !== note) await replaceFile(path, note);
        known = next;
      });
    },
  };
}

const newer = (one: Kept | undefined, other: Kept | undefined) =>
  (one?.size ?? -1) >= (other?.size ?? -1) ? one : other;

/** @throws TlogError for what the log has not signed */
export async function openKept(note: string, log: VerifierKey): Promise<Kept> {
  const { size, root } = await openCheckpoint(note, { log });
  return { note, size, root: Buffer.from(root).toString('hex') };
}

const isSignedBy = (note: string, log: VerifierKey) =>
  openKept(note, log).then(
    () => true,
    () => false,
  );

/**
 * Refuses a store that does not lead on from what was signed last, or of which nobody knows what was: one that comes from a
 * backup, say. What it would sign next could contradict what others have seen.
 *
 * @param latest the newest checkpoint in the store
 * @throws {ConfigError}
 */
export async function requireSameHistory(
  guard: GuardFile,
  latest: TreeHead | undefined,
  tree: TreeHead,
  nodes: NodeReader,
): Promise<void> {
  try {
    if (latest) await requireExtension(latest, tree, nodes, 'the last checkpoint in it');
    if (!(await guard.isMissing())) return await guard.require(tree);
  } catch (error) {
    throw error instanceof LedgerConflict ? new ConfigError(error.message, { cause: error }) : error;
  }
  // Every tree begins with the empty one, so that nothing can contradict that.
  if (latest && latest.size > 0) throw new ConfigError(missing(guard.path, latest.size));
}

const missing = (path: string, size: number) =>
  `--ledger-checkpoint ${path} is missing, in which the last checkpoint that was signed is kept. The ledger in the store has published ${size} entries, and without the file nobody knows whether these are all. Bring the file here; on PostgreSQL the file of another coordinator on the same database will do, or what a running one shows at /ledger/checkpoint. Where there is none any more, or the store comes from a backup, \`aitbc restore\` says what becomes of the ledger`;

/** Replaces a file as a whole: it and its name are on disk when this resolves. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const draft = `${path}.${process.pid}`;
  const file = await open(draft, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
  await syncFolder(dirname(path));
}

/** The names in a folder are on disk when this resolves. Windows neither needs that nor can it. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}

const LOCK_TIMEOUT_MS = 5_000;
const LOCK_AGAIN_MS = 20;
/** SQLITE_BUSY: somebody else holds the lock. */
const BUSY = 5;

/** Keeps other coordinators that share the file from replacing it meanwhile. The lock is the system's, and goes with its holder. */
async function underLock(path: string, work: () => Promise<void>): Promise<void> {
  const file = `${path}.lock`;
  keepPrivate(file);
  const lock = new DatabaseSync(file);
  try {
    await takeLock(lock);
    await work();
  } finally {
    lock.close();
  }
}

/** SQLite itself would wait without letting this process do anything else, also not let go of a lock that it holds. */
async function takeLock(lock: DatabaseSync): Promise<void> {
  const deadline = performance.now() + LOCK_TIMEOUT_MS;
  for (;;) {
    try {
      return lock.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    } catch (error) {
      const { errcode } = error as { errcode?: number };
      if (errcode !== BUSY || performance.now() > deadline) throw error;
      await setTimeout(LOCK_AGAIN_MS);
    }
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new ConfigError(`--ledger-checkpoint ${path} can't be read: ${(error as Error).message}`);
  }
}
