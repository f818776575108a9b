import type { InconclusiveReason, VerificationCause } from '@aitbc/protocol';
import type { Row } from '../store/schema.ts';

export type VerificationRow = Row<'verification'>;

/** An answer that is to be verified. */
export interface Subject
  extends Pick<
    VerificationRow,
    | ('job_id' | 'receipt_id' | 'miner_id' | 'operator_id' | 'model' | 'passport' | 'weights')
    | ('answered_at' | 'consent')
  > {}

interface NewVerification {
  id: string;
  cause: VerificationCause;
  subject: Subject;
  now: number;
  /** How long it waits for a verifier, in ms. */
  waitMs: number;
}

/** Returns a verification that waits for a verifier. */
export const newVerification = ({ id, cause, subject, now, waitMs }: NewVerification): VerificationRow => ({
  id,
  cause,
  about: null,
  job_id: subject.job_id,
  receipt_id: subject.receipt_id,
  miner_id: subject.miner_id,
  operator_id: subject.operator_id,
  model: subject.model,
  passport: subject.passport,
  weights: subject.weights,
  answered_at: subject.answered_at,
  draw: null,
  consent: subject.consent,
  erase: 0,
  state: 'waiting',
  excluded: '[]',
  engine_needed: null,
  attempts: 0,
  created_at: now,
  expires_at: now + waitMs,
  ...NO_LEASE,
  own: 0,
  ended_at: null,
  judgement: null,
  reason: null,
  counts: 0,
  appeal_id: null,
  appeal_reason: null,
});

const NO_LEASE = {
  lease_expires_at: null,
  verifier_id: null,
  verifier_account: null,
  engine: null,
} as const;

/** After so many verifiers that did not score it, nothing is said of an answer. */
const MAX_ATTEMPTS = 3;

/** Returns a leased verification to those that wait, without its verifier, or the reason why it ends instead. */
export function returnToQueue(
  row: VerificationRow,
  isExcluded: boolean,
): VerificationRow | { ends: InconclusiveReason } {
  if (row.attempts >= MAX_ATTEMPTS) return { ends: 'failed' };
  const excluded = [...excludedFrom(row), ...(isExcluded ? [verifierName(row)] : [])];
  return { ...row, ...NO_LEASE, own: 0, state: 'waiting', excluded: JSON.stringify(excluded) };
}

export const excludedFrom = ({ excluded }: Pick<VerificationRow, 'excluded'>): string[] =>
  JSON.parse(excluded);

export const verifierName = ({
  verifier_account,
  verifier_id,
}: Pick<VerificationRow, 'verifier_account' | 'verifier_id'>): string => `${verifier_account}/${verifier_id}`;

/** A verifier that asks for an answer. */
export interface Verifier {
  accountId: number;
  verifierId: string;
  /** Whether it is the operator's own. */
  own: boolean;
  weights: readonly string[];
  engine: string;
}

/** How long an answer is kept for the operator's own verifiers before those of other owners get it. */
const OWN_FIRST_MS = 10_000;

/** Whether the verifier may read the answer. Verifiers of other owners need the client's consent. */
export function isFor(row: VerificationRow, verifier: Verifier, now: number): boolean {
  const { accountId, verifierId, own, engine } = verifier;
  if (row.engine_needed !== null && row.engine_needed !== engine) return false;
  const excluded = excludedFrom(row);
  if (own) return !excluded.includes(`${accountId}/${verifierId}`);
  if (row.consent !== 1 || row.operator_id === accountId) return false;
  if (now - row.created_at < OWN_FIRST_MS) return false;
  return !excluded.some(key => key.startsWith(`${accountId}/`));
}
