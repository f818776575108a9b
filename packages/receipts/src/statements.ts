import type { Signature } from '@aitbc/protocol';
import type { Signer } from '@aitbc/tlog/ed25519';
import { canonicalBytes, canonicalJson } from './canonical-json.ts';
import {
  type Check,
  checkAlgorithm,
  checkKey,
  checkVersion,
  type Finding,
  listed,
  member,
  type VerifyOptions,
  wrong,
} from './checks.ts';
import { nonAsciiTexts, unsafeNumbers } from './exact-values.ts';
import { isObject } from './shapes.ts';
import { signBytes, verifyBytes } from './signature.ts';

/*
 * What all signed statements of the ledger have in common. Every statement but a receipt names its kind in `type`, and
 * its signature covers the canonical JSON of all its other fields.
 */

/** The checks that every kind of statement has, in the order of their results. */
export const STATEMENT_CHECKS = [
  'shape',
  'version',
  'numbers',
  'strings',
  'algorithm',
  'key',
  'signature',
] as const;
export type StatementCheck = (typeof STATEMENT_CHECKS)[number];

export interface StatementVerification {
  /** True when every check passed. */
  valid: boolean;
  /** One result for each check, in the order of {@link STATEMENT_CHECKS}. */
  checks: Check<StatementCheck>[];
}

/** How a kind of statement is checked. */
export interface StatementRules {
  /** The kind in words, for the details of findings: `grant`. */
  kind: string;
  /** Returns what is wrong with a value's shape, one sentence for each fault. */
  faultsOf(value: unknown): string[];
  /** Returns the bytes that the signature covers. */
  bytesOf(statement: object): Uint8Array;
  /** The field with the time of signing, in Unix seconds. A key retired before that time is not trusted. */
  timeField: string;
  /** What happened at that time, in words: `the grant was made`. */
  event: string;
}

/** The fields of a statement that every kind has once its shape is right. */
interface SignedStatement {
  signature: Signature;
}

/** What the checks of a statement found, and the copy of it that they read. */
export interface CheckedStatement {
  value: unknown;
  hasShape: boolean;
  findings: Record<StatementCheck, Finding>;
}

/** The bytes that a typed statement's signature covers: all but `signature` and `inclusion`, as canonical JSON. */
export const signedBytes = (statement: object): Uint8Array =>
  canonicalBytes(without(['signature', 'inclusion'], statement));

/** The ledger's entry for a typed statement: its canonical JSON with the signature, without `inclusion`. */
export const typedEntry = (statement: object): Uint8Array =>
  canonicalBytes(without(['inclusion'], statement));

/** Signs a typed statement. Throws a TypeError when it is not JSON. */
export async function signTyped<Unsigned extends object>(
  unsigned: Unsigned,
  signer: Signer,
): Promise<Unsigned & { signature: Signature }> {
  return { ...unsigned, signature: await signBytes(signedBytes(unsigned), signer) };
}

/** How a typed statement is checked. */
export const rulesOfTyped = ({
  kind,
  faultsOf,
}: Pick<StatementRules, 'kind' | 'faultsOf'>): StatementRules => ({
  kind,
  faultsOf,
  bytesOf: signedBytes,
  timeField: 'created_at',
  event: `the ${kind} was made`,
});

/** Checks a typed statement against the trusted keys. Returns an invalid result, and never throws, for any value. */
export async function verifyTyped(
  statement: unknown,
  { keys }: VerifyOptions,
  { kind, faultsOf }: Pick<StatementRules, 'kind' | 'faultsOf'>,
): Promise<StatementVerification> {
  const { findings } = await checkStatement(statement, keys, rulesOfTyped({ kind, faultsOf }));
  const checks = STATEMENT_CHECKS.map(name => ({ name, ...findings[name] }));
  return { valid: checks.every(check => check.ok), checks };
}

/** Runs the checks that every kind of statement has. Never throws, whatever the statement is. */
export async function checkStatement(
  statement: unknown,
  keys: VerifyOptions['keys'],
  rules: StatementRules,
): Promise<CheckedStatement> {
  const { kind } = rules;
  const { value, faults } = readPlain(statement, rules);
  const hasShape = faults.length === 0;
  const signature = member(value, 'signature');
  const article = /^[aeiou]/.test(kind) ? 'an' : 'a';
  const findings = {
    shape: listed(faults, `it has every field of ${article} ${kind}, each of its kind`),
    version: checkVersion(member(value, 'version')),
    numbers: listed(unsafeNumbers(value), 'at most 6 decimals', 'more than 6 decimals or too large: '),
    strings: listed(nonAsciiTexts(value), 'ASCII', 'not ASCII: '),
    algorithm: checkAlgorithm(member(signature, 'alg')),
    key: checkKey(member(signature, 'key_id'), member(value, rules.timeField), keys, rules.event),
    signature: hasShape ? await checkSignature(value as SignedStatement, rules) : notChecked(kind, article),
  };
  return { value, hasShape, findings };
}

/** The finding of a check that needs a well-formed statement, for a statement that is not. */
export const notChecked = (kind: string, article = 'a'): Finding =>
  wrong(`not checked, as it does not have the shape of ${article} ${kind}`);

/**
 * Copies a statement through its canonical JSON, without `inclusion`. A getter or a proxy could give each check another
 * value; the copy can not.
 */
function readPlain(statement: unknown, { faultsOf }: StatementRules): { value: unknown; faults: string[] } {
  try {
    const whole: unknown = JSON.parse(canonicalJson(statement));
    const value = isObject(whole) ? without(['inclusion'], whole) : whole;
    return { value, faults: faultsOf(value) };
  } catch (error) {
    return { value: undefined, faults: [error instanceof Error ? error.message : 'it is not JSON'] };
  }
}

async function checkSignature(
  statement: SignedStatement,
  { kind, bytesOf }: StatementRules,
): Promise<Finding> {
  const ok = await verifyBytes(bytesOf(statement), statement.signature);
  return { ok, detail: `it ${ok ? 'fits' : 'does not fit'} the ${kind} and the key that it names` };
}

function without(names: readonly string[], statement: object): object {
  return Object.fromEntries(Object.entries(statement).filter(([name]) => !names.includes(name)));
}
