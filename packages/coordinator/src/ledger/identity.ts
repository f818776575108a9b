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

type LogPlaces = Pick<LedgerConfig, 'ledgerOrigin' | 'ledgerKey'> &
  Pick<ReceiptConfig, 'signingKey'> &
  Pick<StoreConfig, 'data'>;

/**
 * The log that a store is of. Its name and its key are fixed by the first coordinator that starts on the store: with
 * others it would be another log, of which nobody could say that it goes on from this one.
 *
 * @throws {ConfigError} where configuration or key file are of another log
 */
export async function openLog(config: LogPlaces, coordinatorId: string, store: Store): Promise<LogKeys> {
  if ((await readBackupMark(store.read)) !== undefined)
    throw new ConfigError(
      'The database was imported from a backup: `aitbc restore` says what becomes of the ledger, with the same --database-url and --data',
    );
  const path = ledgerKeyPath(config);
  const stored = await readVkey(store.read);
  const known = stored === undefined ? undefined : parseVkey(stored);
  const origin = originFor(config.ledgerOrigin, known?.name) ?? defaultOrigin(coordinatorId);
  const keys = keysOf(path, origin);
  const vkey = unwrap(await store.write(admitLog, { vkey: formatVkey(keys.log.vkey) }));
  if (vkey === formatVkey(keys.log.vkey)) return keys;
  const { name } = parseVkey(vkey);
  throw new ConfigError(
    name === origin
      ? `--ledger-key ${path}: the ledger in this store (${vkey}) is signed with another key. Where the signing key was changed, name the file of the one before, or bring it here as ${LEDGER_KEY_FILE}`
      : `--ledger-origin ${origin}: the ledger in this store is ${name}`,
  );
}

/** Whoever names the ledger goes on to do so by its first name, when a restore has given it another one. */
function originFor(configured: string | undefined, known: string | undefined): string | undefined {
  if (known === undefined || configured === undefined) return known ?? configured;
  return firstOrigin(known) === configured ? known : configured;
}

export function keysOf(path: string, origin: string): LogKeys {
  try {
    return loadLogKeys(path, origin);
  } catch (error) {
    throw new ConfigError(`--ledger-key ${path}, --ledger-origin ${origin}: ${(error as Error).message}`);
  }
}

/** Answers the verifier key of the log that the store is of: this one where it was of none. */
export const admitLog: Operation<{ vkey: string }, string> = {
  name: 'ledger.admit',
  async apply(inputs, { tx }) {
    const [known] = await tx.load('setting', 'name', [LEDGER_VKEY]);
    const value = known?.value ?? inputs[0]?.vkey ?? '';
    if (!known) await tx.insert('setting', [{ name: LEDGER_VKEY, value }]);
    return inputs.map(() => done(value));
  },
};
