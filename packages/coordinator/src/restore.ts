import { constants, existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Restore } from '@aitbc/protocol';
import { formatVkey, parseCheckpoint, parseNote, parseVkey, TlogError, verifierKey } from '@aitbc/tlog';
import { type Config, ConfigError } from './config.ts';
import { createIds } from './ids.ts';
import { keysOf } from './ledger/identity.ts';
import {
  type Kept,
  lastCheckpointPath,
  openKept,
  replaceFile,
  syncFolder,
} from './ledger/last-checkpoint.ts';
import {
  firstOrigin,
  LEDGER_KEY_FILE,
  type LogKeys,
  ledgerKeyPath,
  restoredOrigin,
} from './ledger/log-key.ts';
import { restartLedger, rootsOfEntries } from './ledger/restart.ts';
import { askForLatest } from './ledger/witness-client.ts';
import { parseWitnesses } from './ledger/witness-options.ts';
import { loadSigner, signingKeyPath } from './receipts/signing-key.ts';
import { BACKUP_OF, COORDINATOR_ID } from './store/schema.ts';
import { openStoreTarget, type StoreTarget } from './store/target.ts';

export interface RestoreOptions {
  /** Folder of the backup; the store that the configuration names is restored in its place unless given. */
  backup?: string;
  /** Begin a new ledger even where the newest checkpoint that is known agrees with the store. */
  newLedger?: boolean;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

export interface Restored {
  /** What became of the ledger: it goes on, or a new one began, or there was none yet. */
  ledger: 'continued' | 'new' | 'none';
  /** Its verifier key; null where there is none yet. */
  vkey: string | null;
  /** Entries of the ledger in the restored store, as it was before. */
  entries: number;
  /** What the ledger was compared with, the newest first. */
  shown: readonly ShownCheckpoint[];
  /** The statement that the new ledger begins with. */
  restore: Restore | null;
}

/** A checkpoint that the log of the store, or one after it, has signed. */
export interface ShownCheckpoint extends Kept {
  origin: string;
  /** Whose it is, in words. */
  by: string;
}

/**
 * Makes a store that comes from a backup fit for a coordinator, and decides what becomes of its ledger. The ledger goes on
 * where the newest checkpoint that was signed is shown (by the guard file, or by witnesses) and is one of the store's own
 * tree. Otherwise what was signed after the backup is unknown, or lost: then a new ledger begins, which says so.
 *
 * All of it is done, or nothing. Takes no longer for larger texts, and memory for each account.
 *
 * @throws {ConfigError} where there is nothing to restore, or a coordinator runs on it
 */
export async function restore(config: Config, options: RestoreOptions = {}): Promise<Restored> {
  const { backup } = options;
  if (backup === undefined) return await restoreInPlace(config, options);
  if (config.databaseUrl !== undefined && !config.databaseUrl.startsWith('sqlite:')) {
    throw new ConfigError(
      `--database-url: ${backup} is a backup of SQLite. Restore the database by PostgreSQL's own tools, then run \`aitbc restore --database-url …\``,
    );
  }
  if (!existsSync(join(backup, 'coordinator.db')))
    throw new ConfigError(`${backup} is no backup: there is no coordinator.db in it`);
  const file = join(config.data, 'coordinator.db');
  if (existsSync(file))
    throw new ConfigError(`--data ${config.data} has a database already: name a folder without one`);
  await mkdir(config.data, { recursive: true, mode: 0o700 });
  const draft = await mkdtemp(join(config.data, 'restoring-'));
  try {
    for (const name of ['coordinator.db', 'coordinator.db-wal'])
      if (existsSync(join(backup, name))) await copyFile(join(backup, name), join(draft, name));
    await chmod(join(draft, 'coordinator.db'), 0o600);
    await bringKeys(backup, config);
    const restored = await restoreInPlace({ ...pathsOf(config), data: draft }, options);
    const kept = join(draft, 'ledger-checkpoint');
    if (existsSync(kept)) await rename(kept, join(config.data, 'ledger-checkpoint'));
    await rename(join(draft, 'coordinator.db'), file);
    await syncFolder(config.data);
    return restored;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** The configuration with the places of what does not lie in the folder that is being made. */
function pathsOf(config: Config): Config {
  return {
    ...config,
    signingKey: signingKeyPath(config),
    ledgerKey: ledgerKeyPath(config),
    ledgerCheckpoint: lastCheckpointPath(config),
  };
}

/** The keys of a backup, into the data folder, where the operator does not keep them elsewhere. */
async function bringKeys(backup: string, { data, signingKey, ledgerKey }: Config): Promise<void> {
  const wanted = [
    ...(signingKey === undefined ? ['signing-key.pem'] : []),
    ...(ledgerKey === undefined ? [LEDGER_KEY_FILE] : []),
  ];
  for (const name of wanted) {
    const [from, to] = [join(backup, name), join(data, name)];
    if (!existsSync(from)) continue;
    if (existsSync(to)) {
      if ((await readFile(from, 'utf8')) === (await readFile(to, 'utf8'))) continue;
      throw new ConfigError(`${to} is another key than that of the backup: move it aside`);
    }
    await copyFile(from, to, constants.COPYFILE_EXCL);
    await chmod(to, 0o600);
  }
}

async function restoreInPlace(config: Config, options: RestoreOptions): Promise<Restored> {
  const target = await openStoreTarget(config);
  try {
    if (!(await target.isAlone())) {
      throw new ConfigError('--database-url: a coordinator runs on this database. Stop all of them first');
    }
    const settings = await readSettings(target);
    await target.tx.delete('setting', 'name', [BACKUP_OF]);
    const vkey = settings.get('ledger_vkey');
    if (vkey === undefined) {
      await target.commit();
      return { ledger: 'none', vkey: null, entries: 0, shown: [], restore: null };
    }
    return await restoreLedger(target, config, options, {
      keys: keysOf(ledgerKeyPath(config), parseVkey(vkey).name),
      vkey,
      coordinatorId: config.coordinatorId ?? settings.get(COORDINATOR_ID) ?? '',
    });
  } finally {
    await target.close();
  }
}

async function readSettings({ tx }: StoreTarget): Promise<Map<string, string>> {
  const rows = await tx.query<{ name: string; value: string }>('SELECT name, value FROM setting', []);
  return new Map(rows.map(({ name, value }) => [name, value]));
}

interface OldLedger {
  keys: LogKeys;
  vkey: string;
  coordinatorId: string;
}

async function restoreLedger(
  target: StoreTarget,
  config: Config,
  { newLedger = false, now = Date.now }: RestoreOptions,
  { keys, vkey, coordinatorId }: OldLedger,
): Promise<Restored> {
  const { tx } = target;
  const shown = await newestFirst(config, keys);
  const [last] = await tx.query<{ size: number; root: string; note: string }>(
    'SELECT size, root, note FROM checkpoint ORDER BY height DESC LIMIT 1',
    [],
  );
  const known = [...shown, ...(last ? [last] : [])];
  const { entries, root, roots } = await rootsOfEntries(
    tx,
    known.map(({ size }) => size),
  );
  if (last && roots.get(last.size) !== last.root)
    throw new ConfigError('The store is damaged: its last checkpoint is over other entries than it has');
  const isOurs = (each: ShownCheckpoint) => each.origin === keys.origin && roots.get(each.size) === each.root;
  const [newest] = shown;
  if (!last && !newest) {
    await target.commit();
    return { ledger: 'none', vkey, entries, shown, restore: null };
  }
  if (newest && newest.size >= (last?.size ?? 0) && shown.every(isOurs) && !newLedger) {
    await target.commit();
    // The file may have been named for this one time: the coordinator is to find it in its folder as well.
    for (const path of new Set([lastCheckpointPath(config), lastCheckpointPath({ data: config.data })]))
      await replaceFile(path, newest.note);
    return { ledger: 'continued', vkey, entries, shown, restore: null };
  }
  const ids = createIds(now);
  const next = keysOf(ledgerKeyPath(config), restoredOrigin(keys.origin, now(), ids.hex(3)));
  const restore = await restartLedger(tx, {
    ...{ coordinatorId, ids, now: now(), signer: await signerOf(target, config) },
    ...{ vkey: next.log.vkey, previousVkey: keys.log.vkey },
    ...{ tree: { size: entries, root }, checkpoint: last?.note },
    newest: shown.find(each => !isOurs(each)),
  });
  // Coordinators keep rows in memory for as long as nobody else has written.
  await tx.upsert('setting', ['name'], [{ name: 'last_batch', value: restore.restore_id }]);
  await target.commit();
  return { ledger: 'new', vkey: formatVkey(next.log.vkey), entries, shown, restore };
}

/** The key that signs the statement must be the one that the store knows: auditors have no other. */
async function signerOf({ tx }: StoreTarget, config: Config) {
  const path = signingKeyPath(config);
  if (!existsSync(path))
    throw new ConfigError(`--signing-key ${path} is missing: bring the signing key of the coordinator`);
  const signer = loadSigner(path);
  const rows = await tx.query<{ key_id: string }>(
    'SELECT key_id FROM signing_key WHERE retired_at IS NULL',
    [],
  );
  if (rows.length === 0 || rows.some(({ key_id }) => key_id === signer.keyId)) return signer;
  throw new ConfigError(`--signing-key ${path} is not the key of this store, which is ${rows[0]?.key_id}`);
}

/** The checkpoints that the guard file and the witnesses have. */
async function newestFirst(config: Config, keys: LogKeys): Promise<ShownCheckpoint[]> {
  const path = lastCheckpointPath(config);
  const kept = existsSync(path) ? await readFile(path, 'utf8') : undefined;
  const witnessed = parseWitnesses(config.witness).map(async witness => {
    const { name } = witness.key;
    const signal = AbortSignal.timeout(config.witnessTimeoutSeconds * 1000);
    try {
      return { by: `the witness ${name}`, note: await askForLatest(witness, keys.origin, signal) };
    } catch (error) {
      throw new ConfigError(
        `--witness: ${name} does not say what it has cosigned last: ${(error as Error).message}. Try again when it answers, or leave it out`,
      );
    }
  });
  const found = [{ by: path, note: kept }, ...(await Promise.all(witnessed))];
  const shown = await Promise.all(
    found.map(async ({ by, note }) => (note === undefined ? [] : [await openShown(note, by, keys)])),
  );
  // Of another origin only where the ledger was restored since the backup: that one is newer, however small.
  const isNewer = ({ origin }: ShownCheckpoint) => (origin === keys.origin ? 0 : 1);
  return shown.flat().sort((a, b) => isNewer(b) - isNewer(a) || b.size - a.size);
}

/** @throws {ConfigError} for what neither the log of the store nor one that follows it has signed */
async function openShown(note: string, by: string, { origin, log }: LogKeys): Promise<ShownCheckpoint> {
  try {
    const named = parseCheckpoint(parseNote(note).text).origin;
    const isOfLine = firstOrigin(named) === firstOrigin(origin);
    const key = isOfLine ? verifierKey(named, 'Ed25519', log.vkey.publicKey) : log.vkey;
    return { ...(await openKept(note, key)), origin: named, by };
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    throw new ConfigError(`What ${by} shows is no checkpoint of ${origin}: ${error.message}`);
  }
}
