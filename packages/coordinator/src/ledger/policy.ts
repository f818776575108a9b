import { formatPolicy, type VerifierKey } from '@aitbc/tlog';
import { ConfigError } from '../option.ts';
import type { LedgerConfig } from './options.ts';
import type { WitnessAddress } from './witness-options.ts';

/** No witness is called that: the names of keys have no `+`. */
const GROUP = 'enough+witnesses';

/**
 * Whom to believe about the ledger, for verifiers to keep (C2SP tlog-policy): its key, and so many of its witnesses.
 *
 * @throws {ConfigError} where there are fewer
 */
export function ledgerPolicy(
  log: VerifierKey,
  witnesses: readonly WitnessAddress[],
  { witnessQuorum }: Pick<LedgerConfig, 'witnessQuorum'>,
): string {
  const { length } = witnesses;
  if (witnessQuorum > length) {
    throw new ConfigError(`--witness-quorum ${witnessQuorum} can't be met by ${length} witnesses`);
  }
  const members = witnesses.map(({ key }) => key.name);
  const threshold = witnessQuorum || Math.floor(length / 2) + 1;
  return formatPolicy({
    logs: [{ key: log }],
    witnesses: witnesses.map(({ key, url }) => ({ name: key.name, key, url })),
    groups: length === 0 ? [] : [{ name: GROUP, threshold, members }],
    quorum: length === 0 ? null : GROUP,
  });
}
