import type { Grant, UnsignedGrant } from '@aitbc/protocol';
import type { Signer } from '@aitbc/tlog/ed25519';
import { canonicalBytes, canonicalJson } from './canonical-json.ts';
import {
  checkAlgorithm,
  checkKey,
  checkVersion,
  type Finding,
  listed,
  member,
  ok,
  wrong,
} from './findings.ts';
import { grantFaults, isObject } from './shape.ts';
import { signBytes, verifyBytes } from './signatures.ts';
import { nonAsciiTexts, unsafeNumbers } from './spelling.ts';
import type { Check, VerifyOptions } from './verifying.ts';

/**
 * The bytes that a grant's signature covers: canonical JSON (RFC 8785) of the grant without its `signature`, and without
 * the `inclusion` that coordinators show beside it.
 *
 * @throws TypeError for what is not JSON
 */
export function grantBytes(grant: Grant | UnsignedGrant): Uint8Array {
  return canonicalBytes(without(['signature', 'inclusion'], grant));
}

/**
 * The ledger's entry for a grant: its canonical JSON with the signature, without the `inclusion` that coordinators show
 * beside it.
 *
 * @throws TypeError for what is not JSON
 */
export function grantEntry(grant: Grant): Uint8Array {
  return canonicalBytes(without(['inclusion'], grant));
}

function without(names: readonly string[], grant: object): object {
  return Object.fromEntries(Object.entries(grant).filter(([name]) => !names.includes(name)));
}

/**
 * The grant with its signature.
 *
 * @throws TypeError for what is not JSON; and whatever the signer throws
 */
export async function signGrant(unsigned: UnsignedGrant, signer: Signer): Promise<Grant> {
  return { ...unsigned, signature: await signBytes(grantBytes(unsigned), signer) };
}

/** What is checked of a grant, in this order. They mean what the checks of a receipt mean. */
export const GRANT_CHECKS = [
  'shape',
  'version',
  'numbers',
  'strings',
  'algorithm',
  'key',
  'signature',
] as const;
export type GrantCheck = (typeof GRANT_CHECKS)[number];

export interface GrantVerification {
  /** All checks are ok. */
  valid: boolean;
  /** One each, in the order of {@link GRANT_CHECKS}. */
  checks: Check<GrantCheck>[];
}

/**
 * Checks a grant of credits, trusting nothing but the keys. Never throws over a grant, whatever it is. The `inclusion` of
 * a published grant, which the signature does not cover, is set aside.
 */
export async function verifyGrant(grant: unknown, { keys }: VerifyOptions): Promise<GrantVerification> {
  const { value, faults } = readPlain(grant);
  const signature = member(value, 'signature');
  const findings: Record<GrantCheck, Finding> = {
    shape: listed(faults, 'it has every field of a grant, each of its kind'),
    version: checkVersion(member(value, 'version')),
    numbers: listed(unsafeNumbers(value), 'at most 6 decimals', 'more than 6 decimals or too large: '),
    strings: listed(nonAsciiTexts(value), 'ASCII', 'not ASCII: '),
    algorithm: checkAlgorithm(member(signature, 'alg')),
    key: checkKey(member(signature, 'key_id'), member(value, 'created_at'), keys, 'the grant was made'),
    signature: faults.length === 0 ? await checkSignature(value as Grant) : NOT_CHECKED,
  };
  const checks = GRANT_CHECKS.map(name => ({ name, ...findings[name] }));
  return { valid: checks.every(check => check.ok), checks };
}

const NOT_CHECKED = wrong('not checked, as it does not have the shape of a grant');

/** A copy that is nothing but data, so that all checks see the same value. */
function readPlain(grant: unknown): { value: unknown; faults: string[] } {
  try {
    const whole: unknown = JSON.parse(canonicalJson(grant));
    const value = isObject(whole) ? without(['inclusion'], whole) : whole;
    return { value, faults: grantFaults(value) };
  } catch (error) {
    return { value: undefined, faults: [error instanceof Error ? error.message : 'it is not JSON'] };
  }
}

async function checkSignature(grant: Grant): Promise<Finding> {
  return (await verifyBytes(grantBytes(grant), grant.signature))
    ? ok('it fits the grant and the key that it names')
    : wrong('it does not fit the grant and the key that it names');
}
