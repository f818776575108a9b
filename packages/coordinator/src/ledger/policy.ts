import { formatPolicy, type VerifierKey } from '@aitbc/tlog';
import { ConfigError } from '../option.ts';
import type { LedgerConfig } from './options.ts';
import type { WitnessAddress } from './witness-options.ts';

/** No witness can have this name, since names of keys have no `+`. */
const GROUP = 'enough+witnesses';

/**
 * The text of the policy file that verifiers keep (C2SP tlog-policy): the ledger's key, its witnesses, and how many of
 * them must have cosigned a checkpoint.
 *
 * @throws {ConfigError} where the quorum is larger than the number of witnesses
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
