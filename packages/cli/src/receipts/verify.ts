import { type TrustedKey, verifyStatement } from '@aitbc/receipts';
import { ConnectionError, type CoordinatorClient, TimeoutError } from '@aitbc/sdk';
import { type Policy, parseVkey } from '@aitbc/tlog';
import type { Command } from 'commander';
import { wantsJson } from '../connection.ts';
import { CommandFailure, message } from '../failure.ts';
import { type CheckFinding, failedChecks, findingsTable } from '../findings.ts';
import type { Io } from '../io.ts';
import { note, print, printJson } from '../output.ts';
import { policyOf, readTrust, type TrustFlags } from '../trust.ts';
import { type KeyFlags, readKeys } from '../trusted-keys.ts';
import { checkDisclosed, type DisclosureFlags, ownTexts, readDisclosed } from './disclosure.ts';
import { type Evidence, fetchProof, isJobId, type Proof, readEvidence } from './evidence.ts';
import { checkLedger, type LedgerPlace } from './ledger-checks.ts';
import { getProof } from './wait-for-proof.ts';

export interface VerifyFlags extends KeyFlags, TrustFlags, DisclosureFlags {
  proof?: string;
  /** Seconds. */
  wait?: number;
}

interface Call {
  source: string;
  flags: VerifyFlags;
  command: Command;
  io: Io;
  client: () => CoordinatorClient;
}

export async function verify(call: Call): Promise<void> {
  const { source, flags, command, io, client } = call;
  const given = readDisclosed(flags);
  const trust = await readGivenTrust(flags);
  const disclosed = given ?? (isJobId(source) ? await ownTexts(client(), source, io) : null);
  const evidence = await readEvidence(source, { proofFile: flags.proof, client, io });
  const { keys, policy } = trust ?? (await askForTrust(call));
  const proof = policy && (await findProof(evidence, trust !== null, call));
  const ledger = await judgeLedger(proof, policy, trust !== null);
  const findings = [
    ...(await judgeReceipt(evidence.receipt, keys, ledger.place)),
    ...ledger.findings,
    ...checkDisclosed(evidence.receipt, disclosed),
  ];
  report(findings, ledger.place, command, io);
  if (proof?.state === 'pending' && !wantsJson(command)) note(io, PENDING);
  const failed = failedChecks(findings);
  if (failed.length > 0) {
    const { type: what = 'receipt' } = Object(evidence.receipt);
    throw new CommandFailure(`The ${what} is not valid: ${failed.join(', ')}`);
  }
}

const PENDING = 'The ledger has not published the receipt yet, which takes seconds. --wait waits for it.';

interface Trust {
  /** Null when the ledger vouches for the key that the receipt names. */
  keys: readonly TrustedKey[] | null;
  /** Null when the ledger is not to be checked. */
  policy: Policy | null;
}

/** Returns the keys and the policy in the flags; null when there are none. */
async function readGivenTrust(flags: VerifyFlags): Promise<Trust | null> {
  const [keys, policy] = [await readKeys(flags), await readTrust(flags)];
  return keys || policy ? { keys, policy } : null;
}

async function askForTrust({ client, command, io }: Call): Promise<Trust> {
  try {
    const [keys, vkey] = [await client().signingKeys.list(), await client().ledger.vkey()];
    if (!wantsJson(command)) note(io, 'The keys are those that the coordinator itself publishes.');
    return { keys, policy: policyOf(parseVkey(vkey)) };
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
    throw new CommandFailure(
      `${message(error)}\nThe command asks it for its keys. To check without it, give its keys with --key KEY or --keys FILE, and its ledger's key with --vkey VKEY or --policy FILE.`,
    );
  }
}

async function findProof({ receipt, proof }: Evidence, isTrustGiven: boolean, call: Call): Promise<Proof> {
  if (proof.state !== 'none') return proof;
  const { client, flags, io } = call;
  try {
    return await fetchProof(receipt, id => getProof(client(), id, flags.wait, io));
  } catch (error) {
    if (error instanceof TimeoutError && flags.wait !== undefined) return { state: 'pending' };
    if (!isTrustGiven || !(error instanceof ConnectionError)) throw error;
    throw new CommandFailure(
      `${message(error)}\nThe command asks it for the receipt's place in the ledger. To check without it, give a saved proof with --proof FILE.`,
    );
  }
}

async function judgeLedger(
  proof: Proof | null,
  policy: Policy | null,
  isTrustGiven: boolean,
): Promise<{ findings: CheckFinding[]; place: LedgerPlace | null }> {
  const alone = (ok: boolean | null, detail: string) => ({
    findings: [{ name: 'inclusion', ok, detail }],
    place: null,
  });
  if (!proof || !policy) return alone(null, "not checked without the ledger's key: --vkey or --policy");
  if (proof.state === 'there') return await checkLedger(proof.entry, proof.proof, policy);
  // When the user has named the ledger's key, the receipt must be in the ledger.
  if (proof.state === 'pending')
    return alone(isTrustGiven ? false : null, 'the ledger has not published it yet');
  return alone(false, proof.state === 'wrong' ? proof.fault : 'there is no proof of it');
}

async function judgeReceipt(
  receipt: unknown,
  keys: readonly TrustedKey[] | null,
  place: LedgerPlace | null,
): Promise<CheckFinding[]> {
  if (keys) return (await verifyStatement(receipt, { keys })).checks;
  const named = String(Object(Object(receipt).signature).key_id);
  const { checks } = await verifyStatement(receipt, { keys: [named] });
  const detail = place
    ? `${named} is the key that the receipt names, and the receipt is in the ledger`
    : 'no key is given, and the receipt is not proven to be in the ledger';
  return checks.map(check =>
    check.name === 'key' && check.ok ? { ...check, ok: place !== null, detail } : check,
  );
}

function report(
  findings: readonly CheckFinding[],
  place: LedgerPlace | null,
  command: Command,
  io: Io,
): void {
  const valid = findings.every(({ ok }) => ok !== false);
  if (wantsJson(command)) printJson(io, { valid, checks: findings, ledger: place });
  else print(io, findingsTable(findings));
}
