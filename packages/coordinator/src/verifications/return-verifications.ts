import { hash } from 'node:crypto';
import type { InconclusiveReason } from '@aitbc/protocol';
import type { Issuer } from '../define-module.ts';
import { done, failed, type Operation, type Outcome, type WriteContext } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import { endVerifications } from './end-verifications.ts';
import { type Holder, loadHeld, type Scored } from './submit-scores.ts';
import { returnToQueue, type VerificationRow } from './verification.ts';

export interface ReturnInput extends Holder {
  nonce: string;
  /** Ends the verification for this reason. Without it, another verifier gets the answer. */
  reason?: InconclusiveReason;
}

/** Takes verifications back from verifiers that can not score them. */
export const returnVerifications = (issuer: Issuer): Operation<ReturnInput, Scored> => ({
  name: 'verifications.return',
  async apply(inputs, context) {
    const outcomes: Outcome<Scored>[] = [];
    for (const input of inputs) {
      const held = await loadHeld(input, context);
      if (!held.ok) outcomes.push(held);
      else if (held.value.state === 'ended')
        outcomes.push(failed('VERIFICATION_NOT_LEASED', 'This verification has ended'));
      else outcomes.push(done(await giveBack(held.value, { ...input, isExcluded: true }, issuer, context)));
    }
    return outcomes;
  },
});

async function giveBack(
  row: VerificationRow,
  { nonce, reason, isExcluded }: Pick<ReturnInput, 'nonce' | 'reason'> & { isExcluded: boolean },
  issuer: Issuer,
  context: WriteContext,
): Promise<Scored> {
  const { tx, emit } = context;
  const next = reason ? { ends: reason } : returnToQueue(row, isExcluded);
  if (!('ends' in next)) {
    await tx.upsert('verification', [next]);
    emit({ type: 'verifications.waiting' });
    return { status: 'waiting', judgement: null };
  }
  const judgement = 'inconclusive';
  await endVerifications([{ row, nonce, judgement, reason: next.ends, counts: false }], issuer, context);
  return { status: 'ended', judgement };
}

/** How many rows one sweep takes at most. */
const AT_ONCE = 100;

const LEASES_OVER = `SELECT * FROM verification WHERE state = 'leased' AND lease_expires_at <= ?
  ORDER BY lease_expires_at LIMIT ${AT_ONCE}`;
const WAITS_OVER = `SELECT * FROM verification WHERE state = 'waiting' AND expires_at <= ?
  ORDER BY expires_at LIMIT ${AT_ONCE}`;
const REVEALABLE = `SELECT * FROM draw WHERE revealed_at IS NULL AND next_index = size AND (open = 0 OR created_at <= ?)
  ORDER BY height LIMIT ${AT_ONCE}`;

/** Proofs of draws are revealed after this time, even if an answer still waits. */
const REVEALED_AFTER_MS = 24 * 3600 * 1000;

/** Takes back expired leases, gives up answers that no verifier came for, and reveals the proofs of ended draws. */
export const sweepVerifications = (
  issuer: Issuer,
  keepMs: number,
): Operation<{ seed: string }, { more: boolean }> => ({
  name: 'verifications.sweep',
  async apply(inputs, context) {
    const { tx, now } = context;
    const nonceOf = ({ id }: VerificationRow) => hash('sha256', `${inputs[0]?.seed}/${id}`).slice(0, 32);
    const leases = await tx.query<VerificationRow>(['verification'], LEASES_OVER, [now]);
    for (const row of leases)
      await giveBack(row, { nonce: nonceOf(row), isExcluded: false }, issuer, context);
    const over = await tx.query<VerificationRow>(['verification'], WAITS_OVER, [now]);
    await endVerifications(
      over.map(row => {
        const nonce = nonceOf(row);
        return { row, nonce, judgement: 'inconclusive', reason: 'expired', counts: false };
      }),
      issuer,
      context,
    );
    const draws = await tx.query<Row<'draw'>>(['draw'], REVEALABLE, [now - REVEALED_AFTER_MS]);
    await tx.update(
      'draw',
      draws.map(({ height }) => ({ height, revealed_at: now })),
    );
    await tx.execute(
      'verification_scores',
      `DELETE FROM verification_scores WHERE id IN
        (SELECT id FROM verification_scores WHERE created_at <= ? ORDER BY created_at LIMIT ${AT_ONCE})`,
      [now - keepMs],
    );
    const more = [leases, over, draws].some(rows => rows.length === AT_ONCE);
    return inputs.map(() => done({ more }));
  },
});
