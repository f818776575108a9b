import { formatVkey, parseVkey } from '@aitbc/tlog';
import { type Config, ConfigError } from '../config.ts';
import { done, type Operation, unwrap } from '../store/operation.ts';
import type { Store } from '../store/store.ts';
import { defaultOrigin, LEDGER_KEY_FILE, type LogKeys, ledgerKeyPath, loadLogKeys } from './log-key.ts';
import { LEDGER_VKEY, readVkey } from './queries.ts';

/**
 * The log that a store is of. Its name and its key are fixed by the first coordinator that starts on the store: with
 * others it would be another log, of which nobody could say that it goes on from this one.
 *
 * @throws {ConfigError} where configuration or key file are of another log
 */
export async function openLog(config: Config, coordinatorId: string, store: Store): Promise<LogKeys> {
  const path = ledgerKeyPath(config);
  const stored = await readVkey(store.read);
  const known = stored === undefined ? undefined : parseVkey(stored);
  const origin = config.ledgerOrigin ?? known?.name ?? defaultOrigin(coordinatorId);
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

function keysOf(path: string, origin: string): LogKeys {
  try {
    return loadLogKeys(path, origin);
  } catch (error) {
    throw new ConfigError(`--ledger-key ${path}, --ledger-origin ${origin}: ${(error as Error).message}`);
  }
}

/** Answers the verifier key of the log that the store is of: this one where it was of none. */
export const admitLog: Operation<{ vkey: string }, string> = {
  name: 'ledger.admit',
  order: 0,
  async apply(inputs, { tx }) {
    const [known] = await tx.load('setting', 'name', [LEDGER_VKEY]);
    const value = known?.value ?? inputs[0]?.vkey ?? '';
    if (!known) await tx.insert('setting', [{ name: LEDGER_VKEY, value }]);
    return inputs.map(() => done(value));
  },
};
