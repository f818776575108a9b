import type { Receipt, UnsignedReceipt } from '@aitbc/protocol';
import type { Signer } from '@aitbc/tlog/ed25519';
import { addressFromPublicKey } from './addresses.ts';
import { arithmeticFaults } from './arithmetic.ts';
import { verifyAttestation } from './attestation.ts';
import { utf8Bytes } from './bytes.ts';
import { canonicalBytes, canonicalJson } from './canonical-json.ts';
import { type Check, type Finding, listed, ok, type VerifyOptions, wrong } from './checks.ts';
import { unsafeNumbers } from './exact-values.ts';
import { isObject, receiptFaults, signatureFaults } from './shapes.ts';
import { signBytes } from './signature.ts';
import { checkStatement, notChecked, STATEMENT_CHECKS } from './statements.ts';

/**
 * Returns the bytes that a receipt's signature covers: the canonical JSON (RFC 8785) of the receipt without `signature`
 * and `inclusion`, and without its fields that are null. Nulls inside `metadata` stay.
 *
 * @throws TypeError when the receipt is not JSON
 */
export function receiptBytes(receipt: Receipt | UnsignedReceipt): Uint8Array {
  return canonicalBytes(presentFields(receipt, ['signature', 'inclusion']));
}

/**
 * Returns the ledger's entry for a receipt: its canonical JSON with the signature, without `inclusion`, and without its
 * fields that are null.
 *
 * @throws TypeError when the receipt is not JSON
 */
export function receiptEntry(receipt: Receipt): Uint8Array {
  return canonicalBytes(presentFields(receipt, ['inclusion']));
}

function presentFields(receipt: object, left: readonly string[]) {
  return Object.fromEntries(
    Object.entries(receipt).filter(([name, value]) => !left.includes(name) && value !== null),
  );
}

/**
 * Returns the receipt with its signature.
 *
 * @throws TypeError when the receipt is not JSON; and whatever the signer throws
 */
export async function signReceipt(unsigned: UnsignedReceipt, signer: Signer): Promise<Receipt> {
  return { ...unsigned, signature: await signBytes(receiptBytes(unsigned), signer) };
}

/**
 * Signs a receipt and returns its canonical JSON. The text is what `canonicalJson(await signReceipt(…))` gives, but the
 * receipt is serialized once instead of twice.
 *
 * @throws TypeError when the receipt is not JSON; and whatever the signer throws
 */
export async function signReceiptJson(unsigned: UnsignedReceipt, signer: Signer): Promise<string> {
  const parts = { before: {} as Record<string, unknown>, after: {} as Record<string, unknown> };
  for (const [name, value] of Object.entries(unsigned))
    if (value !== null) parts[name < 'signature' ? 'before' : 'after'][name] = value;
  const before = membersOf(parts.before);
  const after = membersOf(parts.after);
  const signature = await signBytes(utf8Bytes(objectOf([before, after])), signer);
  return objectOf([before, membersOf({ signature }), after]);
}

/** Returns members as canonical JSON, without the braces around them. */
const membersOf = (members: object) => canonicalJson(members).slice(1, -1);

const objectOf = (parts: readonly string[]) => `{${parts.filter(part => part !== '').join(',')}}`;

/**
 * The checks of a receipt, in the order of their results:
 * - `shape`: it is JSON and has every field of the protocol, each of its kind
 * - `version`: this package knows its format
 * - `numbers`: all have at most 6 decimals and no exponent as RFC 8785 writes them, and are at most 2^53 - 1 in size, so
 *   that a double holds them exactly
 * - `strings`: all are ASCII, names of members too, as a text beyond ASCII may have two forms in Unicode
 * - `algorithm`: it is Ed25519
 * - `key`: the key is a trusted one that was not retired before the job was completed
 * - `signature`: it verifies with the key that it names
 * - `attestation`: each miner's signature in `metadata.signatures` verifies; a receipt without any passes
 * - `arithmetic`: times, duration, units and price fit together
 */
export const RECEIPT_CHECKS = [...STATEMENT_CHECKS, 'attestation', 'arithmetic'] as const;

export type ReceiptCheck = (typeof RECEIPT_CHECKS)[number];

export interface Verification {
  /** True when every check passed. */
  valid: boolean;
  /** One result for each check, in the order of {@link RECEIPT_CHECKS}. */
  checks: Check<ReceiptCheck>[];
}

const RULES = {
  kind: 'receipt',
  faultsOf: receiptFaults,
  bytesOf: (receipt: object) => receiptBytes(receipt as Receipt),
  timeField: 'completed_at',
  event: 'the job was completed',
};

/**
 * Checks a receipt against the trusted keys, without any network access. Returns an invalid result, and never throws,
 * for any value that is not a receipt. Fields that the protocol does not know pass when the signature covers them. The
 * `inclusion` of a published receipt is not covered by the signature and is ignored.
 */
export async function verifyReceipt(receipt: unknown, { keys }: VerifyOptions): Promise<Verification> {
  const { value, hasShape, findings } = await checkStatement(receipt, keys, RULES);
  const all: Record<ReceiptCheck, Finding> = {
    ...findings,
    attestation: hasShape ? await checkAttestations(value as Receipt) : notChecked('receipt'),
    arithmetic: hasShape ? checkArithmetic(value as Receipt) : notChecked('receipt'),
  };
  const checks = RECEIPT_CHECKS.map(name => ({ name, ...all[name] }));
  return { valid: checks.every(check => check.ok), checks };
}

function checkArithmetic(receipt: Receipt): Finding {
  if (unsafeNumbers(receipt).length > 0) return ok('not checked, as some of its numbers are not exact');
  return listed(arithmeticFaults(receipt), 'it adds up');
}

async function checkAttestations(receipt: Receipt): Promise<Finding> {
  const { signatures } = receipt.metadata;
  if (signatures === undefined) return ok('no miner signed');
  if (!Array.isArray(signatures)) return wrong('metadata.signatures is not a list');
  const findings = await Promise.all(signatures.map(signature => checkAttestation(receipt, signature)));
  return (
    findings.find(({ ok }) => !ok) ?? ok(findings.map(({ detail }) => detail).join('; ') || 'no miner signed')
  );
}

async function checkAttestation(receipt: Receipt, signature: unknown): Promise<Finding> {
  if (!isSignature(signature)) return wrong('metadata.signatures holds something else than signatures');
  const { key_id } = signature;
  if (!(await verifyAttestation(receipt, signature))) return wrong(`${key_id} signed something else`);
  return addressFromPublicKey(key_id) === receipt.provider
    ? ok(`signed by ${key_id}, the provider`)
    : ok(`signed by ${key_id}, who is paid at another address`);
}

function isSignature(value: unknown): value is Receipt['signature'] {
  return isObject(value) && signatureFaults(value).length === 0;
}
