import { type Policy, parsePolicy, parseVkey, type VerifierKey } from '@aitbc/tlog';
import { type Command, InvalidArgumentError } from 'commander';
import { CommandFailure, message, UsageError } from './failure.ts';
import { readTextFile } from './files.ts';

/** The keys whose signatures a checkpoint needs. */
export interface TrustFlags {
  vkey?: VerifierKey;
  policy?: string;
  witness?: VerifierKey[];
}

export function trustOptions(command: Command): Command {
  return command
    .option('--vkey <vkey>', "the ledger's verifier key, as you know it", logKey)
    .option('--policy <file>', 'a tlog-policy file: logs, witnesses and the quorum that you demand')
    .option('--witness <vkey>', 'a witness that must have cosigned; can be repeated', addWitness);
}

/** Returns the policy in the flags; null when they have none. */
export async function readTrust({ vkey, policy, witness = [] }: TrustFlags): Promise<Policy | null> {
  if (policy !== undefined) {
    if (witness.length > 0) throw new UsageError('--policy already names the witnesses: omit --witness.');
    return await readPolicy(policy, vkey);
  }
  if (vkey !== undefined) return policyOf(vkey, witness);
  if (witness.length > 0) throw new UsageError("--witness needs the log's own key too: add --vkey.");
  return null;
}

/** Returns a policy that demands the log's signature and those of all witnesses. */
export function policyOf(log: VerifierKey, witnesses: readonly VerifierKey[] = []): Policy {
  const named = witnesses.map(key => ({ name: key.name, key }));
  const members = named.map(({ name }) => name);
  return {
    logs: [{ key: log }],
    witnesses: named,
    groups: members.length === 0 ? [] : [{ name: ALL, threshold: members.length, members }],
    quorum: members.length === 0 ? null : ALL,
  };
}

/** No key has this name, since names of keys contain no spaces. */
const ALL = 'all witnesses';

async function readPolicy(path: string, vkey: VerifierKey | undefined): Promise<Policy> {
  const policy = parse(path, await readTextFile(path));
  if (vkey) return { ...policy, logs: [{ key: vkey }] };
  if (policy.logs.length === 0) throw new UsageError(`${path} names no log: add --vkey.`);
  return policy;
}

function parse(path: string, text: string): Policy {
  try {
    return parsePolicy(text);
  } catch (error) {
    throw new CommandFailure(`${path} is not a policy: ${message(error)}`);
  }
}

function logKey(text: string): VerifierKey {
  try {
    return parseVkey(text.trim());
  } catch (error) {
    throw new InvalidArgumentError(`${message(error)}.`);
  }
}

function addWitness(text: string, before: readonly VerifierKey[] = []): VerifierKey[] {
  const key = logKey(text);
  if (key.type !== 'cosignature/v1') throw new InvalidArgumentError('It is not a key for cosignatures.');
  if (before.some(({ name, publicKey }) => name === key.name || publicKey === key.publicKey)) {
    throw new InvalidArgumentError('This witness is already in the list.');
  }
  return [...before, key];
}
