import { constants, existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Restore } from '@aitbc/protocol';
import { formatVkey, parseCheckpoint, parseNote, parseVkey, TlogError, verifierKey } from '@aitbc/tlog';
import { type Config, ConfigError } from './config.ts';
import { createIds } from './ids.ts';
import { loadKeys } from './ledger/identity.ts';
import {
  type KeptCheckpoint,
  lastCheckpointPath,
  openSignedCheckpoint,
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
  /** Folder of the backup. Without it, the configured store itself is made ready. */
  backup?: string;
  /** Whether to begin a new ledger even where the newest known checkpoint agrees with the store. */
  newLedger?: boolean;
  /** Returns ms since the epoch. */
  now?: () => number;
}

export interface Restored {
  /** Whether the ledger continues, a new one began, or there was none yet. */
  ledger: 'continued' | 'new' | 'none';
  /** The ledger's verifier key, or null where there is no ledger yet. */
  vkey: string | null;
  /** Number of ledger entries in the store before the restore. */
  entries: number;
  /** The checkpoints that the ledger was compared with, newest first. */
  shown: readonly ShownCheckpoint[];
  /** The first statement of the new ledger, or null where none began. */
  restore: Restore | null;
  /** Number of webhook deliveries that are pending in the store. They may have been made since the backup. */
  pendingDeliveries: number;
}

/** A checkpoint that was signed by the store's log, or by its successor after another restore. */
interface ShownCheckpoint extends KeptCheckpoint {
  origin: string;
  /** Where it comes from, in words. */
  by: string;
}

/**
 * Makes a store from a backup ready for a coordinator, and decides whether its ledger continues. It continues where the
 * guard file or witnesses have the newest signed checkpoint, and that belongs to the store's own tree. Otherwise the
 * entries that were signed after the backup are unknown or lost, and a new ledger begins, whose first entry says so.
 *
 * Either everything is done or nothing. The time does not depend on the size of texts; the memory grows with the number
 * of accounts.
 *
 * @throws {ConfigError} where there is nothing to restore, or a coordinator runs on the store
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
    await copyKeys(backup, config);
    const restored = await restoreInPlace({ ...withExplicitPaths(config), data: draft }, options);
    const kept = join(draft, 'ledger-checkpoint');
    if (existsSync(kept)) await rename(kept, join(config.data, 'ledger-checkpoint'));
    await rename(join(draft, 'coordinator.db'), file);
    await syncFolder(config.data);
    return restored;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** The configuration with explicit paths of the files that are not in the draft folder. */
function withExplicitPaths(config: Config): Config {
  return {
    ...config,
    signingKey: signingKeyPath(config),
    ledgerKey: ledgerKeyPath(config),
    ledgerCheckpoint: lastCheckpointPath(config),
  };
}

/** Copies a backup's keys into the data folder, unless the operator keeps them elsewhere. */
async function copyKeys(backup: string, { data, signingKey, ledgerKey }: Config): Promise<void> {
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
    if (!(await target.isDatabaseUnused())) {
      throw new ConfigError('--database-url: a coordinator runs on this database. Stop all of them first');
    }
    const settings = await readSettings(target);
    await target.tx.delete('setting', [BACKUP_OF]);
    const pendingDeliveries = await countPendingDeliveries(target);
    const vkey = settings.get('ledger_vkey');
    if (vkey === undefined) {
      await target.commit();
      return { ledger: 'none', vkey: null, entries: 0, shown: [], restore: null, pendingDeliveries };
    }
    const ledger = await restoreLedger(target, config, options, {
      keys: loadKeys(ledgerKeyPath(config), parseVkey(vkey).name),
      vkey,
      coordinatorId: config.coordinatorId ?? settings.get(COORDINATOR_ID) ?? '',
    });
    return { ...ledger, pendingDeliveries };
  } finally {
    await target.close();
  }
}

async function readSettings({ tx }: StoreTarget): Promise<Map<string, string>> {
  const rows = await tx.query<{ name: string; value: string }>(
    ['setting'],
    'SELECT name, value FROM setting',
    [],
  );
  return new Map(rows.map(({ name, value }) => [name, value]));
}

interface OldLedger {
  keys: LogKeys;
  vkey: string;
  coordinatorId: string;
}

async function countPendingDeliveries({ tx }: StoreTarget): Promise<number> {
  const sql = 'SELECT count(*) AS count FROM webhook_delivery WHERE next_at IS NOT NULL';
  const [row] = await tx.query<{ count: number }>(['webhook_delivery'], sql, []);
  return Number(row?.count ?? 0);
}

async function restoreLedger(
  target: StoreTarget,
  config: Config,
  { newLedger = false, now = Date.now }: RestoreOptions,
  { keys, vkey, coordinatorId }: OldLedger,
): Promise<Omit<Restored, 'pendingDeliveries'>> {
  const { tx } = target;
  const shown = await readShownCheckpoints(config, keys);
  const [last] = await tx.query<{ size: number; root: string; note: string }>(
    ['checkpoint'],
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
    // The option may have been given for this command only, so the data folder gets a copy for the coordinator.
    for (const path of new Set([lastCheckpointPath(config), lastCheckpointPath({ data: config.data })]))
      await replaceFile(path, newest.note);
    return { ledger: 'continued', vkey, entries, shown, restore: null };
  }
  const ids = createIds(now);
  const next = loadKeys(ledgerKeyPath(config), restoredOrigin(keys.origin, now(), ids.hex(3)));
  const restore = await restartLedger(tx, {
    ...{ coordinatorId, ids, now: now(), signer: await signerOf(target, config) },
    ...{ vkey: next.log.vkey, previousVkey: keys.log.vkey },
    ...{ tree: { size: entries, root }, checkpoint: last?.note },
    newest: shown.find(each => !isOurs(each)),
  });
  // This makes coordinators on PostgreSQL forget their rows in memory.
  await tx.upsert('setting', [{ name: 'last_batch', value: restore.restore_id }]);
  await target.commit();
  return { ledger: 'new', vkey: formatVkey(next.log.vkey), entries, shown, restore };
}

/** Returns the key that signs the statement. It must be the store's signing key, since auditors have no other. */
async function signerOf({ tx }: StoreTarget, config: Config) {
  const path = signingKeyPath(config);
  if (!existsSync(path))
    throw new ConfigError(`--signing-key ${path} is missing: bring the signing key of the coordinator`);
  const signer = loadSigner(path);
  const rows = await tx.query<{ key_id: string }>(
    ['signing_key'],
    'SELECT key_id FROM signing_key WHERE retired_at IS NULL',
    [],
  );
  if (rows.length === 0 || rows.some(({ key_id }) => key_id === signer.keyId)) return signer;
  throw new ConfigError(`--signing-key ${path} is not the key of this store, which is ${rows[0]?.key_id}`);
}

/** Reads the checkpoints of the guard file and the witnesses, and sorts them by age, newest first. */
async function readShownCheckpoints(config: Config, keys: LogKeys): Promise<ShownCheckpoint[]> {
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
    found.map(async ({ by, note }) =>
      note === undefined ? [] : [await verifyShownCheckpoint(note, by, keys)],
    ),
  );
  // Another origin means that the ledger was restored since the backup, so that checkpoint is newer at any size.
  const isNewer = ({ origin }: ShownCheckpoint) => (origin === keys.origin ? 0 : 1);
  return shown.flat().sort((a, b) => isNewer(b) - isNewer(a) || b.size - a.size);
}

/** @throws {ConfigError} where neither the store's log nor a successor of it has signed the checkpoint */
async function verifyShownCheckpoint(
  note: string,
  by: string,
  { origin, log }: LogKeys,
): Promise<ShownCheckpoint> {
  try {
    const named = parseCheckpoint(parseNote(note).text).origin;
    const isSameLedger = firstOrigin(named) === firstOrigin(origin);
    const key = isSameLedger ? verifierKey(named, 'Ed25519', log.vkey.publicKey) : log.vkey;
    return { ...(await openSignedCheckpoint(note, key)), origin: named, by };
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    throw new ConfigError(`What ${by} shows is no checkpoint of ${origin}: ${error.message}`);
  }
}
