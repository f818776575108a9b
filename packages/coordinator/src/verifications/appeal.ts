import { done, failed, type Operation, type Outcome } from '../store/operation.ts';
import { newVerification, verifierName } from './verification.ts';

export interface AppealInput {
  id: string;
  appealId: string;
  reason: string | undefined;
}

/** Has another verifier read an accused answer again. There is one appeal against each accusation. */
export const appealVerifications = (waitMs: number): Operation<AppealInput, string> => ({
  name: 'verifications.appeal',
  async apply(inputs, context) {
    const { tx, now, emit } = context;
    const outcomes: Outcome<string>[] = [];
    for (const { id, appealId, reason } of inputs) {
      const [row] = await tx.load('verification', 'id', [id]);
      if (!row) {
        outcomes.push(failed('VERIFICATION_NOT_FOUND', 'There is no such verification'));
        continue;
      }
      if (row.judgement !== 'accused' || row.counts === 0) {
        outcomes.push(failed('VERIFICATION_NOT_APPEALABLE', 'This verification counts against nobody'));
        continue;
      }
      if (row.appeal_id === null) {
        const appeal = newVerification({ id: appealId, cause: 'appeal', subject: row, now, waitMs });
        const earlier = row.about === null ? [] : await tx.load('verification', 'id', [row.about]);
        const excluded = JSON.stringify([row, ...earlier].map(verifierName));
        await tx.insert('verification', [{ ...appeal, about: id, excluded, appeal_reason: reason ?? null }]);
        await tx.update('verification', [{ id, appeal_id: appealId }]);
        await tx.add('counter', [{ name: 'verifications.open', value: 1 }]);
        emit({ type: 'verifications.waiting' });
      }
      outcomes.push(done(row.appeal_id ?? appealId));
    }
    return outcomes;
  },
});
