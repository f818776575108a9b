import type { Receipt } from '@aitbc/protocol';
import { addressFromPublicKey } from './addresses.ts';
import { miscalculations } from './arithmetic.ts';
import { verifyAttestation } from './attestation.ts';
import { canonicalJson } from './canonical-json.ts';
import {
  checkAlgorithm,
  checkKey,
  checkVersion,
  type Finding,
  listed,
  member,
  ok,
  type TrustedKey,
  wrong,
} from './findings.ts';
import { isObject, receiptFaults, signatureFaults } from './shape.ts';
import { verifyBytes } from './signatures.ts';
import { receiptBytes } from './signing.ts';
import { nonAsciiTexts, unsafeNumbers } from './spelling.ts';

export interface VerifyOptions {
  /** The coordinator's keys, had from somebody trusted. Without one no receipt is valid. */
  keys: readonly TrustedKey[];
}

/**
 * What is checked of a receipt, in this order:
 * - `shape`: it is JSON, with every field of the protocol, each of its kind
 * - `version`: its format is one that this package knows
 * - `numbers`: at most 6 decimals and no exponent as RFC 8785 spells them, at most 2^53 - 1 in size, so that all of them are exact
 * - `strings`: ASCII, names of members too, so that no text has two forms in Unicode
 * - `algorithm`: Ed25519
 * - `key`: one of the trusted keys is named, and was not retired before the job was completed
 * - `signature`: it verifies with the key that is named
 * - `attestation`: each signature of a miner in `metadata.signatures` verifies; fine where there is none
 * - `arithmetic`: times, duration, units and price fit together
 */
export const RECEIPT_CHECKS = [
  'shape',
  'version',
  'numbers',
  'strings',
  'algorithm',
  'key',
  'signature',
  'attestation',
  'arithmetic',
] as const;
export type ReceiptCheck = (typeof RECEIPT_CHECKS)[number];

export interface Check<Name extends string = ReceiptCheck> extends Finding {
  name: Name;
}

export interface Verification {
  /** All checks are ok. */
  valid: boolean;
  /** One each, in the order of {@link RECEIPT_CHECKS}. */
  checks: Check[];
}

/**
 * Checks a receipt as an auditor would, trusting nothing but the keys, without asking anybody. Never throws over a
 * receipt, whatever it is: what is no receipt is not valid. Fields that the protocol does not know are fine when the
 * signature covers them. The `inclusion` of a published receipt, which it does not cover, is set aside.
 */
export async function verifyReceipt(receipt: unknown, { keys }: VerifyOptions): Promise<Verification> {
  const read = readPlain(receipt);
  const signature = member(read.value, 'signature');
  const findings: Record<ReceiptCheck, Finding> = {
    shape: listed(read.faults, 'it has every field of a receipt, each of its kind'),
    version: checkVersion(member(read.value, 'version')),
    numbers: listed(unsafeNumbers(read.value), 'at most 6 decimals', 'more than 6 decimals or too large: '),
    strings: listed(nonAsciiTexts(read.value), 'ASCII', 'not ASCII: '),
    algorithm: checkAlgorithm(member(signature, 'alg')),
    key: checkKey(
      member(signature, 'key_id'),
      member(read.value, 'completed_at'),
      keys,
      'the job was completed',
    ),
    signature: read.receipt ? await checkSignature(read.receipt) : NOT_CHECKED,
    attestation: read.receipt ? await checkAttestations(read.receipt) : NOT_CHECKED,
    arithmetic: read.receipt ? checkArithmetic(read.receipt) : NOT_CHECKED,
  };
  const checks = RECEIPT_CHECKS.map(name => ({ name, ...findings[name] }));
  return { valid: checks.every(check => check.ok), checks };
}

const NOT_CHECKED: Finding = { ok: false, detail: 'not checked, as it does not have the shape of a receipt' };

function checkArithmetic(receipt: Receipt): Finding {
  if (unsafeNumbers(receipt).length > 0) return ok('not checked, as some of its numbers are not exact');
  return listed(miscalculations(receipt), 'it adds up');
}

interface Read {
  value: unknown;
  faults: string[];
  /** There are no faults. */
  receipt?: Receipt;
}

/** A copy that is nothing but data, so that all checks see the same value, which is the one that was signed. */
function readPlain(receipt: unknown): Read {
  try {
    const value = withoutInclusion(JSON.parse(canonicalJson(receipt)));
    const faults = receiptFaults(value);
    return faults.length === 0 ? { value, faults, receipt: value as Receipt } : { value, faults };
  } catch (error) {
    return { value: undefined, faults: [error instanceof Error ? error.message : 'it is not JSON'] };
  }
}

function withoutInclusion(value: unknown): unknown {
  if (!isObject(value)) return value;
  const { inclusion, ...receipt } = value;
  return receipt;
}

async function checkSignature(receipt: Receipt): Promise<Finding> {
  return (await verifyBytes(receiptBytes(receipt), receipt.signature))
    ? ok('it fits the receipt and the key that it names')
    : wrong('it does not fit the receipt and the key that it names');
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
