import { type OpenCheckpoint, openCheckpoint, type Policy } from '@aitbc/tlog';
import { message } from './failure.ts';
import type { CheckFinding } from './findings.ts';

/** A witness that has cosigned, with the time that it states. */
export interface Cosignature {
  name: string;
  time: string;
}

/** Who signed a checkpoint, and whether that is enough. */
export interface CheckpointChecks {
  /** `checkpoint` is about the log's signature, `witnesses` about theirs. */
  findings: [CheckFinding, CheckFinding];
  /** Null without the log's signature. */
  signed: OpenCheckpoint | null;
  /** The witnesses that the policy names; null when fewer than it demands have signed. */
  witnesses: Cosignature[] | null;
}

/** Returns the policy without its witnesses, so that only the log's signature is needed. */
export function logAlone(policy: Policy): Policy {
  return { ...policy, witnesses: [], groups: [], quorum: null };
}

/** Checks a checkpoint against a policy. */
export async function checkCheckpoint(note: string, policy: Policy): Promise<CheckpointChecks> {
  const signed = await attempt(() => openCheckpoint(note, logAlone(policy)));
  if (!('value' in signed)) return unsigned(signed.fault);
  const checkpoint = { name: 'checkpoint', ok: true, detail: describeCheckpoint(signed.value) };
  const cosigned = await attempt(() => openCheckpoint(note, policy));
  if (!('value' in cosigned)) {
    const fault = { name: 'witnesses', ok: false, detail: cosigned.fault };
    return { findings: [checkpoint, fault], signed: signed.value, witnesses: null };
  }
  const witnesses = witnessesOf(cosigned.value, policy);
  const finding = { name: 'witnesses', ok: true, detail: describeWitnesses(witnesses, policy) };
  return { findings: [checkpoint, finding], signed: signed.value, witnesses };
}

/** Returns the checks of a checkpoint that the log has not signed, or that can not be parsed. */
export function unsigned(fault: string): CheckpointChecks {
  return {
    findings: [
      { name: 'checkpoint', ok: false, detail: fault },
      { name: 'witnesses', ok: false, detail: 'not checked' },
    ],
    signed: null,
    witnesses: null,
  };
}

type Attempt<T> = { value: T } | { fault: string };

async function attempt<T>(action: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await action() };
  } catch (error) {
    return { fault: message(error) };
  }
}

function describeCheckpoint({ signatures, size }: OpenCheckpoint): string {
  const keys = [...new Set(signatures.map(({ key }) => `${key.name} (${key.keyHash})`))];
  return `${keys.join(' and ')} signed the tree of ${size}`;
}

function describeWitnesses(witnesses: readonly Cosignature[], policy: Policy): string {
  const demand = policy.quorum === null ? 'none is demanded' : 'the quorum is met';
  return witnesses.length === 0 ? demand : `${demand}: cosigned by ${cosigners(witnesses)}`;
}

/** Lists names and times in one line. */
export function cosigners(witnesses: readonly Cosignature[]): string {
  return witnesses.map(({ name, time }) => `${name} (${time})`).join(', ');
}

function witnessesOf({ signatures }: OpenCheckpoint, { witnesses }: Policy): Cosignature[] {
  return witnesses.flatMap(({ name, key }) => {
    const { time } = signatures.find(signature => signature.key.publicKey === key.publicKey) ?? {};
    return time === undefined ? [] : [{ name, time: isoTime(time) }];
  });
}

/** Formats seconds as a date. Witnesses can state any number, and one beyond all dates stays a number. */
function isoTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString().replace('.000Z', 'Z');
}
