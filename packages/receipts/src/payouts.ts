import type { Payout, PayoutUpdate, Signature, UnsignedPayout, UnsignedPayoutUpdate } from '@aitbc/protocol';
import type { Signer } from '@aitbc/tlog/ed25519';
import { addressFromPublicKey } from './addresses.ts';
import { canonicalBytes } from './canonical-json.ts';
import { type Check, type Finding, ok, type VerifyOptions, wrong } from './checks.ts';
import { isObject, payoutFaults, payoutUpdateFaults, signatureFaults } from './shapes.ts';
import { signBytes, verifyBytes } from './signature.ts';
import {
  checkStatement,
  notChecked,
  rulesOfTyped,
  STATEMENT_CHECKS,
  type StatementVerification,
  signTyped,
  typedEntry,
  verifyTyped,
} from './statements.ts';

/**
 * Signs an operator's statement that it paid a provider.
 *
 * @throws TypeError when the payout is not JSON; and whatever the signer throws
 */
export const signPayout = (unsigned: UnsignedPayout, signer: Signer): Promise<Payout> =>
  signTyped(unsigned, signer);

/** Signs a statement about an earlier payout, as the coordinator. Throws as {@link signPayout} does. */
export const signPayoutUpdate = (unsigned: UnsignedPayoutUpdate, signer: Signer): Promise<PayoutUpdate> =>
  signTyped(unsigned, signer);

/** Returns the ledger's entry for a payout or an update of one: its canonical JSON with the signature. */
export const payoutEntry = (statement: Payout | PayoutUpdate): Uint8Array => typedEntry(statement);

/** What a provider signs to confirm or to dispute a payout. */
export interface PayoutAnswer {
  payout_id: string;
  to: string;
  /** Credits. */
  amount: number;
  coordinator_id: string;
  status: 'confirmed' | 'disputed';
  /** Why it is disputed; null when it is confirmed. */
  reason: string | null;
}

/** Returns the bytes that the provider signs: the canonical JSON (RFC 8785) of these six fields and no others. */
export function payoutAnswerBytes({
  payout_id,
  to,
  amount,
  coordinator_id,
  status,
  reason,
}: PayoutAnswer): Uint8Array {
  return canonicalBytes({ payout_id, to, amount, coordinator_id, status, reason });
}

/** Signs as the provider that was paid. The coordinator shows the signature in the update's `metadata.signatures`. */
export const signPayoutAnswer = (answer: PayoutAnswer, signer: Signer): Promise<Signature> =>
  signBytes(payoutAnswerBytes(answer), signer);

/**
 * Whether the signature over the answer verifies with the key that the signature names. The caller must know whose key
 * that is. Returns false, and never throws, for a malformed signature.
 */
export async function verifyPayoutAnswer(answer: PayoutAnswer, signature: Signature): Promise<boolean> {
  return signature.alg === 'Ed25519' && (await verifyBytes(payoutAnswerBytes(answer), signature));
}

/** Checks a payout against the trusted keys. Returns an invalid result, and never throws, for any other value. */
export const verifyPayout = (payout: unknown, options: VerifyOptions): Promise<StatementVerification> =>
  verifyTyped(payout, options, { kind: 'payout', faultsOf: payoutFaults });

/**
 * The checks of an update of a payout, in the order of their results. `attestation`: the provider's signature in
 * `metadata.signatures` verifies; an update without any passes. The others mean the same as for receipts.
 */
export const PAYOUT_UPDATE_CHECKS = [...STATEMENT_CHECKS, 'attestation'] as const;
export type PayoutUpdateCheck = (typeof PAYOUT_UPDATE_CHECKS)[number];

export interface PayoutUpdateVerification {
  /** True when every check passed. */
  valid: boolean;
  /** One result for each check, in the order of {@link PAYOUT_UPDATE_CHECKS}. */
  checks: Check<PayoutUpdateCheck>[];
}

const UPDATE_RULES = rulesOfTyped({ kind: 'payout update', faultsOf: payoutUpdateFaults });

/**
 * Checks an update of a payout against the trusted keys. Returns an invalid result, and never throws, for any other
 * value.
 */
export async function verifyPayoutUpdate(
  update: unknown,
  { keys }: VerifyOptions,
): Promise<PayoutUpdateVerification> {
  const { value, hasShape, findings } = await checkStatement(update, keys, UPDATE_RULES);
  const all: Record<PayoutUpdateCheck, Finding> = {
    ...findings,
    attestation: hasShape ? await checkAnswers(value as PayoutUpdate) : notChecked(UPDATE_RULES.kind),
  };
  const checks = PAYOUT_UPDATE_CHECKS.map(name => ({ name, ...all[name] }));
  return { valid: checks.every(check => check.ok), checks };
}

async function checkAnswers(update: PayoutUpdate): Promise<Finding> {
  const { signatures } = update.metadata;
  if (signatures === undefined) return ok('no provider signed');
  if (!Array.isArray(signatures)) return wrong('metadata.signatures is not a list');
  const { status } = update;
  if (status === 'withdrawn' && signatures.length > 0) return wrong('a provider can not withdraw a payout');
  const details: string[] = [];
  for (const signature of signatures) {
    if (!isObject(signature) || signatureFaults(signature).length > 0)
      return wrong('metadata.signatures holds something else than signatures');
    const { key_id } = signature;
    if (!(await verifyPayoutAnswer(answerOf(update), signature)))
      return wrong(`${key_id} signed something else`);
    const isOwn = addressFromPublicKey(key_id) === update.to;
    details.push(`signed by ${key_id}, ${isOwn ? 'the provider' : 'which has another address'}`);
  }
  return ok(details.join('; ') || 'no provider signed');
}

/** Returns what a provider has signed, if it has signed the update. */
function answerOf({ payout_id, to, amount, coordinator_id, status, metadata }: PayoutUpdate): PayoutAnswer {
  const { reason = null } = metadata;
  return { payout_id, to, amount, coordinator_id, status: status as PayoutAnswer['status'], reason };
}
