import type { AnswerScore } from '@aitbc/evidence';
import type { InconclusiveReason, Judgement, VerificationRule } from '@aitbc/protocol';
import type { Issuer } from '../define-module.ts';
import { done, failed, type Operation, type Outcome, type WriteContext } from '../store/operation.ts';
import { type Ending, endVerifications } from './end-verifications.ts';
import { newVerification, type VerificationRow, verifierName } from './verification.ts';

/** Who holds a verification. */
export interface Holder {
  id: string;
  accountId: number;
  verifierId: string;
}

export interface ScoresInput extends Holder {
  engine: string;
  score: AnswerScore & { rule: VerificationRule };
  /** Why the score is inconclusive, if it is. */
  reason: InconclusiveReason;
  scoresHash: string;
  salt: string;
  /** The numbers of all tokens as JSON. */
  tokens: string;
  nonce: string;
  /** For a second reading, if one is needed. */
  nextId: string;
}

export interface Scored {
  status: VerificationRow['state'];
  judgement: Judgement | null;
}

/**
 * Stores scores and what follows from them. Those of the operator's own verifier decide. Where another owner's verifier
 * accuses, one of a third owner with an equal engine has to find the same.
 */
export const submitScores = (issuer: Issuer, waitMs: number): Operation<ScoresInput, Scored> => ({
  name: 'verifications.submit',
  async apply(inputs, context) {
    const { tx, now } = context;
    const outcomes: Outcome<Scored>[] = [];
    for (const input of inputs) outcomes.push(await submit(input, issuer, waitMs, context));
    const stored = inputs.filter((_, index) => outcomes[index]?.ok);
    const rows = new Map(stored.map(({ id, salt, tokens }) => [id, { id, salt, tokens, created_at: now }]));
    const known = new Set((await tx.load('verification_scores', 'id', [...rows.keys()])).map(({ id }) => id));
    await tx.insert(
      'verification_scores',
      [...rows.values()].filter(({ id }) => !known.has(id)),
    );
    return outcomes;
  },
});

async function submit(
  input: ScoresInput,
  issuer: Issuer,
  waitMs: number,
  context: WriteContext,
): Promise<Outcome<Scored>> {
  const found = await loadHeld(input, context);
  if (!found.ok) return found;
  const row = { ...found.value, engine: input.engine };
  if (row.state === 'ended') return done({ status: row.state, judgement: row.judgement });
  const { score, scoresHash, nonce } = input;
  const ending = { row, nonce, score, scoresHash };
  const { judgement } = score;
  if (judgement === 'accused' && row.own === 0 && row.cause !== 'confirmation') {
    await endVerifications([{ ...ending, judgement, counts: false }], issuer, context);
    await confirm(row, input.nextId, waitMs, context);
    return done({ status: 'ended', judgement });
  }
  const decided = decide(ending, judgement, input.reason);
  await endVerifications([decided], issuer, context);
  return done({ status: 'ended', judgement: decided.judgement });
}

function decide(
  ending: Pick<Ending, 'row' | 'nonce' | 'score' | 'scoresHash'>,
  judgement: Judgement,
  reason: InconclusiveReason,
): Ending {
  const { cause } = ending.row;
  if (judgement === 'inconclusive')
    return {
      ...ending,
      judgement,
      reason,
      counts: cause !== 'appeal' && cause !== 'confirmation',
    };
  if (cause === 'confirmation' && judgement === 'consistent')
    return { ...ending, judgement: 'inconclusive', reason: 'verifiers_differ', counts: false };
  // An appeal that is upheld clears the record; one that is not adds nothing to it.
  if (cause === 'appeal') return { ...ending, judgement, counts: false, clears: judgement === 'consistent' };
  return { ...ending, judgement, counts: true };
}

/** Asks a verifier of a third owner. */
async function confirm(
  row: VerificationRow,
  id: string,
  waitMs: number,
  context: WriteContext,
): Promise<void> {
  const { tx, now, emit } = context;
  const next = newVerification({ id, cause: 'confirmation', subject: row, now, waitMs });
  const excluded = JSON.stringify([verifierName(row)]);
  await tx.insert('verification', [{ ...next, about: row.id, excluded, engine_needed: row.engine }]);
  await tx.add('counter', [{ name: 'verifications.open', value: 1 }]);
  emit({ type: 'verifications.waiting' });
}

/** Returns the verification if this verifier holds it, or has ended it. */
export async function loadHeld(
  { id, accountId, verifierId }: Holder,
  { tx }: Pick<WriteContext, 'tx'>,
): Promise<Outcome<VerificationRow>> {
  const [row] = await tx.load('verification', 'id', [id]);
  if (!row) return failed('VERIFICATION_NOT_FOUND', 'There is no such verification');
  const isHeld =
    row.verifier_account === accountId && row.verifier_id === verifierId && row.state !== 'waiting';
  if (isHeld) return done(row);
  return failed('VERIFICATION_NOT_LEASED', `The verifier ${verifierId} does not hold this verification`);
}
