import type { PublicKey, Receipt } from '@aitbc/protocol';
import { isPublicKey } from '@aitbc/tlog/ed25519';
import { addressFromPublicKey } from './addresses.ts';
import { miscalculations } from './arithmetic.ts';
import { verifyAttestation } from './attestation.ts';
import { canonicalJson } from './canonical-json.ts';
import { isObject, receiptFaults, signatureFaults } from './shape.ts';
import { verifyBytes } from './signatures.ts';
import { receiptBytes } from './signing.ts';
import { nonAsciiTexts, unsafeNumbers } from './spelling.ts';

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

export interface VerifyOptions {
  /** The coordinator's keys, had from somebody trusted. Without one no receipt is valid. */
  keys: readonly TrustedKey[];
}

/**
 * What is checked of a receipt, in this order:
 * - `shape`: it is JSON, with every field of the protocol, each of its kind
 * - `version`: its format is one that this package knows
 * - `numbers`: at most 6 decimals, at most 2^53, so that every JSON library reads and writes the same
 * - `strings`: ASCII, for the same reason
 * - `algorithm`: Ed25519
 * - `key`: one of the trusted keys is named, and was not retired before the job was completed
 * - `signature`: it verifies with the key that is named
 * - `attestation`: each signature of a miner in `metadata.signatures` verifies; fine where there is none
 * - `arithmetic`: times, duration and units fit together
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

interface Finding {
  ok: boolean;
  /** What was found, in words for people. May quote the receipt, so a stranger's text. */
  detail: string;
}

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
    key: checkKey(member(signature, 'key_id'), member(read.value, 'completed_at'), keys),
    signature: read.receipt ? await checkSignature(read.receipt) : NOT_CHECKED,
    attestation: read.receipt ? await checkAttestations(read.receipt) : NOT_CHECKED,
    arithmetic: read.receipt ? listed(miscalculations(read.receipt), 'it adds up') : NOT_CHECKED,
  };
  const checks = RECEIPT_CHECKS.map(name => ({ name, ...findings[name] }));
  return { valid: checks.every(check => check.ok), checks };
}

const NOT_CHECKED: Finding = { ok: false, detail: 'not checked, as it does not have the shape of a receipt' };

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

function checkVersion(version: unknown): Finding {
  return version === KNOWN_VERSION
    ? ok(`format ${KNOWN_VERSION}`)
    : wrong(`format ${quote(version)}, and only ${KNOWN_VERSION} is known here`);
}

function checkAlgorithm(algorithm: unknown): Finding {
  return algorithm === 'Ed25519' ? ok('Ed25519') : wrong(`${quote(algorithm)} instead of Ed25519`);
}

function checkKey(keyId: unknown, completedAt: unknown, keys: readonly TrustedKey[]): Finding {
  if (!isPublicKey(keyId)) return wrong(`${quote(keyId)} is no public key`);
  const trusted = keys.filter(key => trustedKeyId(key) === keyId);
  if (trusted.length === 0) return wrong(`${keyId} is not among the trusted keys (${keys.length})`);
  const ends = trusted.map(retirementOf);
  const isInTime = (end: number) => end === Number.POSITIVE_INFINITY || Number(completedAt) * 1000 <= end;
  if (ends.some(isInTime)) return ok(`${keyId} is trusted`);
  const latest = new Date(Math.max(...ends)).toISOString();
  return wrong(`${keyId} was retired at ${latest}, before the job was completed`);
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

const ok = (detail: string): Finding => ({ ok: true, detail });
const wrong = (detail: string): Finding => ({ ok: false, detail });

function listed(faults: readonly string[], otherwise: string, heading = ''): Finding {
  return faults.length === 0 ? ok(otherwise) : wrong(heading + faults.join(heading ? ', ' : '; '));
}

function member(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

const quote = (value: unknown) => (value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 80));
