import { type Policy, parsePolicy, parseVkey, type VerifierKey } from '@aitbc/tlog';
import { type Command, InvalidArgumentError } from 'commander';
import { CommandFailure, message, UsageError } from './failure.ts';
import { readText } from './files.ts';

/** Whose signatures on a checkpoint are believed. */
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

/** What the flags demand of a checkpoint; null where they say nothing. */
export async function readTrust({ vkey, policy, witness = [] }: TrustFlags): Promise<Policy | null> {
  if (policy !== undefined) {
    if (witness.length > 0) throw new UsageError('--policy names the witnesses: leave out --witness.');
    return await readPolicy(policy, vkey);
  }
  if (vkey !== undefined) return policyOf(vkey, witness);
  if (witness.length > 0) throw new UsageError('--witness says nothing about the log itself: add --vkey.');
  return null;
}

/** The log must have signed, and all of the witnesses. */
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

/** No name of a key, which has no spaces. */
const ALL = 'all witnesses';

async function readPolicy(path: string, vkey: VerifierKey | undefined): Promise<Policy> {
  const policy = parse(path, await readText(path));
  if (vkey) return { ...policy, logs: [{ key: vkey }] };
  if (policy.logs.length === 0) throw new UsageError(`${path} names no log: add --vkey.`);
  return policy;
}

function parse(path: string, text: string): Policy {
  try {
    return parsePolicy(text);
  } catch (error) {
    throw new CommandFailure(`${path} is no policy: ${message(error)}`);
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
    throw new InvalidArgumentError('It is the key of a witness that is there already.');
  }
  return [...before, key];
}
