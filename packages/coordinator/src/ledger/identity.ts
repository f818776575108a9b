import { formatVkey, parseVkey } from '@aitbc/tlog';
import { ConfigError } from '../option.ts';
import type { ReceiptConfig } from '../receipts/options.ts';
import { done, type Operation, unwrap } from '../store/operation.ts';
import type { StoreConfig } from '../store/options.ts';
import type { Store } from '../store/store.ts';
import {
  defaultOrigin,
  firstOrigin,
  LEDGER_KEY_FILE,
  type LogKeys,
  ledgerKeyPath,
  loadLogKeys,
} from './log-key.ts';
import type { LedgerConfig } from './options.ts';
import { LEDGER_VKEY, readBackupMark, readVkey } from './queries.ts';

type LogFileConfig = Pick<LedgerConfig, 'ledgerOrigin' | 'ledgerKey'> &
  Pick<ReceiptConfig, 'signingKey'> &
  Pick<StoreConfig, 'data'>;

/**
 * Opens the store's log. The first coordinator that starts on a store fixes the log's name and key: with others it would
 * be another log, and nobody could verify that it continues this one.
 *
 * @throws {ConfigError} where the configured name or the key file belongs to another log
 */
export async function openLog(config: LogFileConfig, coordinatorId: string, store: Store): Promise<LogKeys> {
  if ((await readBackupMark(store.read)) !== undefined)
    throw new ConfigError(
      'The database was imported from a backup: `aitbc restore` explains what happens to the ledger; run it with the same --database-url and --data',
    );
  const path = ledgerKeyPath(config);
  const stored = await readVkey(store.read);
  const known = stored === undefined ? undefined : parseVkey(stored);
  const origin = chooseOrigin(config.ledgerOrigin, known?.name) ?? defaultOrigin(coordinatorId);
  const keys = loadKeys(path, origin);
  const vkey = unwrap(await store.write(admitLog, { vkey: formatVkey(keys.log.vkey) }));
  if (vkey === formatVkey(keys.log.vkey)) return keys;
  const { name } = parseVkey(vkey);
  throw new ConfigError(
    name === origin
      ? `--ledger-key ${path}: the ledger in this store (${vkey}) is signed with another key. Where the signing key was changed, name the file of the one before, or bring it here as ${LEDGER_KEY_FILE}`
      : `--ledger-origin ${origin}: the ledger in this store is ${name}`,
  );
}

/** Lets operators keep the configured first name of a ledger after a restore has given it a new name. */
function chooseOrigin(configured: string | undefined, known: string | undefined): string | undefined {
  if (known === undefined || configured === undefined) return known ?? configured;
  return firstOrigin(known) === configured ? known : configured;
}

export function loadKeys(path: string, origin: string): LogKeys {
  try {
    return loadLogKeys(path, origin);
  } catch (error) {
    throw new ConfigError(`--ledger-key ${path}, --ledger-origin ${origin}: ${(error as Error).message}`);
  }
}

/** Stores the log's verifier key unless the store has one, and returns the stored key. */
export const admitLog: Operation<{ vkey: string }, string> = {
  name: 'ledger.admit',
  async apply(inputs, { tx }) {
    const [known] = await tx.load('setting', 'name', [LEDGER_VKEY]);
    const value = known?.value ?? inputs[0]?.vkey ?? '';
    if (!known) await tx.insert('setting', [{ name: LEDGER_VKEY, value }]);
    return inputs.map(() => done(value));
  },
};
