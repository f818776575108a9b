import { constants, existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Config } from './config.ts';
import { syncFolder } from './ledger/last-checkpoint.ts';
import { LEDGER_KEY_FILE, ledgerKeyPath } from './ledger/log-key.ts';
import { signingKeyPath } from './receipts/signing-key.ts';
import { backupStore, type CopyOptions } from './store/backup.ts';

/**
 * Creates the folder `to` with a copy of the database and the keys, which only its owner can read. A coordinator may run
 * meanwhile. The folder appears only once it is complete.
 *
 * @returns whether there was a signing key to copy, which a coordinator creates at its first start
 * @throws {ConfigError} where there is no SQLite database to copy
 */
export async function backup(
  config: Config,
  to: string,
  options: CopyOptions = {},
): Promise<{ hasKey: boolean }> {
  const target = resolve(to);
  if (existsSync(target)) throw new Error(`${to} exists: a backup goes into a folder of its own`);
  await mkdir(dirname(target), { recursive: true });
  const draft = await mkdtemp(`${target}.`);
  try {
    await backupStore(config, draft, options);
    const hasKey = await copyKey(signingKeyPath(config), signingKeyPath({ data: draft }));
    const ledgerKey = ledgerKeyPath(config);
    if (ledgerKey !== signingKeyPath(config)) await copyKey(ledgerKey, join(draft, LEDGER_KEY_FILE));
    await syncFolder(draft);
    await rename(draft, target);
    await syncFolder(dirname(target));
    return { hasKey };
  } catch (error) {
    await rm(draft, { recursive: true });
    throw error;
  }
}

async function copyKey(from: string, to: string): Promise<boolean> {
  if (!existsSync(from)) return false;
  await copyFile(from, to, constants.COPYFILE_EXCL);
  await chmod(to, 0o600);
  return true;
}
