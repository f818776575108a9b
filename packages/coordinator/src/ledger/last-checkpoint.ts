import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { type NodeReader, openCheckpoint, type VerifierKey } from '@aitbc/tlog';
import { ConfigError } from '../option.ts';
import type { StoreConfig } from '../store/options.ts';
import { ensurePrivateFile } from '../store/private-files.ts';
import { LedgerConflict, type LedgerHead, requireExtension } from './conflict.ts';
import type { LogKeys } from './log-key.ts';
import type { LedgerConfig } from './options.ts';

/*
 * The guard file has the last checkpoint that was signed, and stays outside the store: a database after a restore or a
 * failover may lack entries of that checkpoint. The file only ever advances to a tree that extends the one in it.
 */

type GuardFileConfig = Partial<Pick<LedgerConfig, 'ledgerCheckpoint'>> & Pick<StoreConfig, 'data'>;

const defaultPath = ({ data }: GuardFileConfig) => join(data, 'ledger-checkpoint');

export const lastCheckpointPath = (places: GuardFileConfig) => places.ledgerCheckpoint ?? defaultPath(places);

/** Copies the guard file from its default path to a newly configured one that has no file yet. */
export async function copyGuardFile(places: GuardFileConfig): Promise<void> {
  const [from, to] = [defaultPath(places), lastCheckpointPath(places)];
  if (from === to || (await readIfExists(to)) !== undefined) return;
  const note = await readIfExists(from);
  if (note === undefined) return;
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  await replaceFile(to, note);
}

/** A signed checkpoint, with its tree. */
export interface KeptCheckpoint {
  note: string;
  size: number;
  /** hex */
  root: string;
}

export interface GuardFile {
  readonly path: string;
  /**
   * Resolves with the checkpoint in the file, or undefined where there is no file, or one of the ledger before a restore.
   *
   * @throws {ConfigError} where the file can't be read, or belongs to another log
   */
  read(): Promise<KeptCheckpoint | undefined>;
  isMissing(): Promise<boolean>;
  /**
   * Checks that a tree of the store extends the last signed one.
   *
   * @throws {LedgerConflict} where it does not
   */
  requireExtendedBy(tree: LedgerHead): Promise<void>;
  /**
   * Writes a checkpoint to the file, unless the file has it or a later one. It is on disk when this resolves. A crash
   * leaves the former checkpoint or this one.
   *
   * @throws {LedgerConflict} where it contradicts the checkpoint in the file, which then stays
   */
  advanceTo(note: string): Promise<void>;
}

/**
 * @param nodes reads the nodes of the store's tree
 * @param previous key of the ledger before a restore, whose checkpoints the new ledger does not continue
 */
export function createGuardFile(
  path: string,
  keys: LogKeys,
  nodes: NodeReader,
  previous?: VerifierKey,
): GuardFile {
  /** The last checkpoint that was read or written here, since the file may be deleted while the coordinator runs. */
  let known: KeptCheckpoint | undefined;

  async function read(): Promise<KeptCheckpoint | undefined> {
    const note = await readIfExists(path);
    if (note === undefined || note === known?.note) return known;
    const kept = await openSignedCheckpoint(note, keys.log.vkey).catch(async (error: Error) => {
      if (previous && (await isSignedBy(note, previous))) return undefined;
      throw new ConfigError(
        `--ledger-checkpoint ${path} is no checkpoint of ${keys.origin}: ${error.message}`,
      );
    });
    if (kept && (!known || kept.size >= known.size)) known = kept;
    return kept;
  }

  async function requireKept(tree: LedgerHead): Promise<KeptCheckpoint | undefined> {
    const kept = newer(await read(), known);
    if (kept) await requireExtension(kept, tree, nodes, `the checkpoint that was signed last (${path})`);
    return kept;
  }

  return {
    path,
    read,
    isMissing: async () => (await readIfExists(path)) === undefined,
    async requireExtendedBy(tree) {
      await requireKept(tree);
    },
    async advanceTo(note) {
      if (known?.note === note) return;
      const next = await openSignedCheckpoint(note, keys.log.vkey);
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await withFileLock(path, async () => {
        const kept = await read();
        // Another coordinator that shares the file may have written a larger tree.
        if (kept && kept.size > next.size) return;
        await requireKept(next);
        if (kept?.size !== next.size || kept.note !== note) await replaceFile(path, note);
        known = next;
      });
    },
  };
}

const newer = (one: KeptCheckpoint | undefined, other: KeptCheckpoint | undefined) =>
  (one?.size ?? -1) >= (other?.size ?? -1) ? one : other;

/**
 * Reads a checkpoint and verifies the log's signature.
 *
 * @throws {TlogError} where the log has not signed it
 */
export async function openSignedCheckpoint(note: string, log: VerifierKey): Promise<KeptCheckpoint> {
  const { size, root } = await openCheckpoint(note, { log });
  return { note, size, root: Buffer.from(root).toString('hex') };
}

const isSignedBy = (note: string, log: VerifierKey) =>
  openSignedCheckpoint(note, log).then(
    () => true,
    () => false,
  );

/**
 * Checks that the store's tree extends the last signed checkpoint. Otherwise, for example in a store from a backup, the
 * next checkpoint could contradict one that others have seen.
 *
 * @param latest the newest checkpoint in the store
 * @throws {ConfigError} where it does not, or the last signed checkpoint is unknown
 */
export async function requireSameHistory(
  guard: GuardFile,
  latest: LedgerHead | undefined,
  tree: LedgerHead,
  nodes: NodeReader,
): Promise<void> {
  try {
    if (latest) await requireExtension(latest, tree, nodes, 'the last checkpoint in it');
    if (!(await guard.isMissing())) return await guard.requireExtendedBy(tree);
  } catch (error) {
    throw error instanceof LedgerConflict ? new ConfigError(error.message, { cause: error }) : error;
  }
  // Every tree extends the empty tree, so an empty checkpoint needs no guard file.
  if (latest && latest.size > 0) throw new ConfigError(missingMessage(guard.path, latest.size));
}

const missingMessage = (path: string, size: number) =>
  `--ledger-checkpoint ${path} is missing. It keeps the last signed checkpoint. The ledger in the store has published ${size} entries, and without the file nobody can know whether these are all. Copy the file here; on PostgreSQL you can also use the file of another coordinator on the same database, or the response of a running one at /ledger/checkpoint. If no copy exists any more, or the store comes from a backup, \`aitbc restore\` explains what happens to the ledger`;

/** Replaces a file atomically. Its content and its name are on disk when this resolves. */
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

/** Writes a folder's file names to disk. Does nothing on Windows, which neither needs nor supports that. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}

const LOCK_TIMEOUT_MS = 5_000;
const LOCK_RETRY_MS = 20;
/** SQLite's result code SQLITE_BUSY: another process holds the lock. */
const BUSY = 5;

/**
 * Runs `work` while no other coordinator that shares the file can replace it. The operating system holds the lock, and
 * releases it when the process ends.
 */
async function withFileLock(path: string, work: () => Promise<void>): Promise<void> {
  const file = `${path}.lock`;
  ensurePrivateFile(file);
  const lock = new DatabaseSync(file);
  try {
    await acquireLock(lock);
    await work();
  } finally {
    lock.close();
  }
}

/** Retries here, since SQLite's own waiting would block this process, which may itself hold the lock. */
async function acquireLock(lock: DatabaseSync): Promise<void> {
  const deadline = performance.now() + LOCK_TIMEOUT_MS;
  for (;;) {
    try {
      return lock.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    } catch (error) {
      const { errcode } = error as { errcode?: number };
      if (errcode !== BUSY || performance.now() > deadline) throw error;
      await setTimeout(LOCK_RETRY_MS);
    }
  }
}

async function readIfExists(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new ConfigError(`--ledger-checkpoint ${path} can't be read: ${(error as Error).message}`);
  }
}
