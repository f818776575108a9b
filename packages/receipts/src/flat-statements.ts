import type { Signature } from '@aitbc/protocol';
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
import { isObject } from './shape.ts';
import { signBytes, verifyBytes } from './signatures.ts';
import { nonAsciiTexts, unsafeNumbers } from './spelling.ts';
import type { Check, VerifyOptions } from './verifying.ts';

/*
 * Statements of the ledger besides receipts: they say in `type` what they are, and their signature covers the canonical JSON
 * of all of the rest.
 */

export interface FlatStatement {
  created_at: number;
  signature: Signature;
}

/** What is checked of them, in this order. They mean what the checks of a receipt mean. */
export const FLAT_CHECKS = [
  'shape',
  'version',
  'numbers',
  'strings',
  'algorithm',
  'key',
  'signature',
] as const;
export type FlatCheck = (typeof FLAT_CHECKS)[number];

export interface FlatVerification {
  /** All checks are ok. */
  valid: boolean;
  /** One each, in the order of {@link FLAT_CHECKS}. */
  checks: Check<FlatCheck>[];
}

/** What the signature covers: without itself, and without the `inclusion` that coordinators show beside. */
export const signedBytes = (statement: object): Uint8Array =>
  canonicalBytes(without(['signature', 'inclusion'], statement));

/** The ledger's entry: with the signature, without the `inclusion`. */
export const statementEntry = (statement: object): Uint8Array =>
  canonicalBytes(without(['inclusion'], statement));

export async function signFlat<Unsigned extends object>(
  unsigned: Unsigned,
  signer: Signer,
): Promise<Unsigned & { signature: Signature }> {
  return { ...unsigned, signature: await signBytes(signedBytes(unsigned), signer) };
}

export interface FlatOptions extends VerifyOptions {
  /** What keeps a value from having the shape, in words. */
  faultsOf(value: unknown): string[];
  /** What it is to be, in words: `grant`. */
  what: string;
}

/** Checks a statement, trusting nothing but the keys. Never throws over one, whatever it is. */
export async function verifyFlat(statement: unknown, options: FlatOptions): Promise<FlatVerification> {
  const { keys, what } = options;
  const { value, faults } = readPlain(statement, options);
  const signature = member(value, 'signature');
  const article = /^[aeiou]/.test(what) ? 'an' : 'a';
  const findings: Record<FlatCheck, Finding> = {
    shape: listed(faults, `it has every field of ${article} ${what}, each of its kind`),
    version: checkVersion(member(value, 'version')),
    numbers: listed(unsafeNumbers(value), 'at most 6 decimals', 'more than 6 decimals or too large: '),
    strings: listed(nonAsciiTexts(value), 'ASCII', 'not ASCII: '),
    algorithm: checkAlgorithm(member(signature, 'alg')),
    key: checkKey(member(signature, 'key_id'), member(value, 'created_at'), keys, `the ${what} was made`),
    signature:
      faults.length === 0
        ? await checkSignature(value as FlatStatement, what)
        : wrong(`not checked, as it does not have the shape of ${article} ${what}`),
  };
  const checks = FLAT_CHECKS.map(name => ({ name, ...findings[name] }));
  return { valid: checks.every(check => check.ok), checks };
}

/** A copy that is nothing but data, so that all checks see the same value. */
function readPlain(statement: unknown, { faultsOf }: FlatOptions): { value: unknown; faults: string[] } {
  try {
    const whole: unknown = JSON.parse(canonicalJson(statement));
    const value = isObject(whole) ? without(['inclusion'], whole) : whole;
    return { value, faults: faultsOf(value) };
  } catch (error) {
    return { value: undefined, faults: [error instanceof Error ? error.message : 'it is not JSON'] };
  }
}

async function checkSignature(statement: FlatStatement, what: string): Promise<Finding> {
  return (await verifyBytes(signedBytes(statement), statement.signature))
    ? ok(`it fits the ${what} and the key that it names`)
    : wrong(`it does not fit the ${what} and the key that it names`);
}

function without(names: readonly string[], statement: object): object {
  return Object.fromEntries(Object.entries(statement).filter(([name]) => !names.includes(name)));
}
