import {
  leafHash,
  type OpenCheckpoint,
  openCheckpoint,
  type Policy,
  type TlogProof,
  verifyInclusion,
} from '@aitbc/tlog';
import { message } from '../failure.ts';
import type { Finding } from './finding.ts';

/** Where an entry was found, for programs. */
export interface Place {
  origin: string;
  index: number;
  tree_size: number;
  /** Those that were demanded or known, with the time that they state. */
  witnesses: { name: string; time: string }[];
}

/** Checks that a ledger has an entry, on the word of those whom the policy names. */
export async function checkLedger(
  entry: Uint8Array,
  proof: TlogProof,
  policy: Policy,
): Promise<{ findings: Finding[]; place: Place | null }> {
  const logAlone = { ...policy, witnesses: [], groups: [], quorum: null };
  const signed = await attempt(() => openCheckpoint(proof.checkpoint, logAlone));
  const cosigned = await attempt(() => openCheckpoint(proof.checkpoint, policy));
  const { index, hashes } = proof;
  const isIncluded =
    'value' in signed &&
    verifyInclusion({ ...signed.value, index, leafHash: leafHash(entry), proof: hashes });
  const findings = [
    describeInclusion(signed, isIncluded, index),
    'value' in signed
      ? { name: 'checkpoint', ok: true, detail: describeCheckpoint(signed.value) }
      : { name: 'checkpoint', ok: false, detail: signed.fault },
    'value' in cosigned
      ? { name: 'witnesses', ok: true, detail: describeWitnesses(cosigned.value, policy) }
      : { name: 'witnesses', ok: false, detail: 'value' in signed ? cosigned.fault : 'not checked' },
  ];
  if (!('value' in cosigned) || !isIncluded) return { findings, place: null };
  const { origin, size } = cosigned.value;
  return {
    findings,
    place: { origin, index, tree_size: size, witnesses: witnessesOf(cosigned.value, policy) },
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

function describeInclusion(signed: Attempt<OpenCheckpoint>, isIncluded: boolean, index: number): Finding {
  if (!('value' in signed))
    return { name: 'inclusion', ok: false, detail: 'not checked, for want of a checkpoint' };
  const { size } = signed.value;
  const detail = isIncluded
    ? `it is entry ${index} of ${size}`
    : `it is not entry ${index} of ${size}: the proof does not lead to the root`;
  return { name: 'inclusion', ok: isIncluded, detail };
}

function describeCheckpoint({ signatures, size }: OpenCheckpoint): string {
  const keys = [...new Set(signatures.map(({ key }) => `${key.name} (${key.keyHash})`))];
  return `${keys.join(' and ')} signed the tree of ${size}`;
}

function describeWitnesses(checkpoint: OpenCheckpoint, policy: Policy): string {
  const all = witnessesOf(checkpoint, policy).map(({ name, time }) => `${name} (${time})`);
  const demand = policy.quorum === null ? 'none is demanded' : 'the quorum is met';
  return all.length === 0 ? demand : `${demand}: cosigned by ${all.join(', ')}`;
}

function witnessesOf({ signatures }: OpenCheckpoint, { witnesses }: Policy) {
  return witnesses.flatMap(({ name, key }) => {
    const { time } = signatures.find(signature => signature.key.publicKey === key.publicKey) ?? {};
    return time === undefined ? [] : [{ name, time: isoTime(time) }];
  });
}

/** Seconds as anyone may state them: beyond what dates can tell they stay a number. */
function isoTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString().replace('.000Z', 'Z');
}
