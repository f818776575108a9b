import type { PublicKey, Receipt } from '@aitbc/protocol';
import { isPublicKey } from '@aitbc/tlog/ed25519';
import { isObject } from './shapes.ts';

/** Typed by the protocol's schema. Importing its constant would bring all schemas into browser bundles. */
const KNOWN_VERSION: Receipt['version'] = '1.0';

/**
 * A key that may sign receipts: its raw 32 bytes in unpadded base64url, or an entry of the coordinator's `GET
 * /v1/keys`. An entry whose `use` is not `receipts` or whose `alg` is not Ed25519 is not trusted. One with
 * `retired_at` is not trusted for anything signed after that time.
 */
export type TrustedKey =
  | string
  | (Pick<PublicKey, 'key_id'> & { alg?: string; use?: string; retired_at?: string | null });

export interface VerifyOptions {
  /** The coordinator's keys, from a trusted source. With an empty list no statement is valid. */
  keys: readonly TrustedKey[];
}

/** The result of one check. */
export interface Finding {
  ok: boolean;
  /** What the check found, for people. It may quote a value that was checked, which a stranger wrote. */
  detail: string;
}

export interface Check<Name extends string> extends Finding {
  name: Name;
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
 * Checks that a trusted key signed, before it was retired.
 *
 * @param signedAt Unix seconds
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
  const isInTime = (end: number) =>
    end === Number.POSITIVE_INFINITY || (typeof signedAt === 'number' && signedAt * 1000 <= end);
  if (ends.some(isInTime)) return ok(`${keyId} is trusted`);
  const latest = new Date(Math.max(...ends)).toISOString();
  return wrong(`${keyId} was retired at ${latest}, before ${event}`);
}

/**
 * Returns milliseconds since 1970. A time that can not be parsed counts as 1970, so that the key is not
 * trusted.
 */
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
