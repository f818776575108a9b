import type { PublicKey, Receipt } from '@aitbc/protocol';
import { isPublicKey } from '@aitbc/tlog/ed25519';
import { isObject } from './shape.ts';

/** The type holds it to the protocol's, whose schemas would otherwise come along into browsers. */
const KNOWN_VERSION: Receipt['version'] = '1.0';

/**
 * A key that may sign receipts: its raw 32 bytes in unpadded base64url, or an entry of the coordinator's
 * `GET /v1/keys`. An entry for another use or algorithm than receipts and Ed25519 is trusted with nothing, and one with
 * `retired_at` with nothing that was completed later.
 */
export type TrustedKey =
  | string
  | (Pick<PublicKey, 'key_id'> & { alg?: string; use?: string; retired_at?: string | null });

/** What a check has found. */
export interface Finding {
  ok: boolean;
  /** What was found, in words for people. May quote what was checked, so a stranger's text. */
  detail: string;
}

export function checkVersion(version: unknown): Finding {
  return version === KNOWN_VERSION
    ? ok(`format ${KNOWN_VERSION}`)
    : wrong(`format ${quote(version)}, and only ${KNOWN_VERSION} is known here`);
}

export function checkAlgorithm(algorithm: unknown): Finding {
  return algorithm === 'Ed25519' ? ok('Ed25519') : wrong(`${quote(algorithm)} instead of Ed25519`);
}

/**
 * @param signedAt unix seconds
 * @param event what happened then, in words
 */
export function checkKey(
  keyId: unknown,
  signedAt: unknown,
  keys: readonly TrustedKey[],
  event: string,
): Finding {
  if (!isPublicKey(keyId)) return wrong(`${quote(keyId)} is no public key`);
  const trusted = keys.filter(key => trustedKeyId(key) === keyId);
  if (trusted.length === 0) return wrong(`${keyId} is not among the trusted keys (${keys.length})`);
  const ends = trusted.map(retirementOf);
  const isInTime = (end: number) => end === Number.POSITIVE_INFINITY || Number(signedAt) * 1000 <= end;
  if (ends.some(isInTime)) return ok(`${keyId} is trusted`);
  const latest = new Date(Math.max(...ends)).toISOString();
  return wrong(`${keyId} was retired at ${latest}, before ${event}`);
}

/** Milliseconds since the epoch. What is no time was long ago, so that nothing is trusted by mistake. */
function retirementOf(key: TrustedKey): number {
  const { retired_at = null } = typeof key === 'string' ? {} : key;
  return retired_at === null ? Number.POSITIVE_INFINITY : Date.parse(retired_at) || 0;
}

function trustedKeyId(key: TrustedKey): string | undefined {
  if (typeof key === 'string') return key;
  const { key_id, alg = 'Ed25519', use = 'receipts' } = key;
  return alg === 'Ed25519' && use === 'receipts' ? key_id : undefined;
}

export const ok = (detail: string): Finding => ({ ok: true, detail });
export const wrong = (detail: string): Finding => ({ ok: false, detail });

export function listed(faults: readonly string[], otherwise: string, heading = ''): Finding {
  return faults.length === 0 ? ok(otherwise) : wrong(heading + faults.join(heading ? ', ' : '; '));
}

export function member(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

const quote = (value: unknown) => (value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 80));
