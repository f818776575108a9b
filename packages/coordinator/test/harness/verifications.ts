import type { Receipt, ScoredToken, VerificationTask } from '@aitbc/protocol';
import { newVerification } from '../../src/verifications/verification.ts';
import type { TestCoordinator } from './coordinator.ts';

export const ENGINE = { name: 'llama.cpp', build: 'b7000' };

/** A token that the model would not have said. */
export const STRANGE: ScoredToken = scoredToken(-9);

/** What a verifier says of a token with this log-probability, where the model expected -1. */
export function scoredToken(logprob: number): ScoredToken {
  const among = { logprob, entropy: 1, variance: 1 };
  return { full: among, nucleus: among, below_best: -logprob };
}

let drawn = 0;

interface Wanted {
  state: 'held' | 'ended';
  /** The key of the verifier that holds it; none where keys are not demanded. */
  key: string | undefined;
  weights: string;
}

/** Draws an answer, whatever the share is, and has a verifier claim it, or accuse it. Returns the verification's id. */
export async function makeVerification(
  coordinator: TestCoordinator,
  { job_id, receipt_id, model, metadata }: Receipt,
  { state, key, weights }: Wanted,
): Promise<string> {
  const { store, operations } = coordinator.running.modules;
  const now = coordinator.now();
  const height = -1 - drawn++;
  const id = `ver-${String(drawn).padStart(26, '0')}`;
  const subject = {
    ...{ job_id, receipt_id, miner_id: String(metadata.miner_id), operator_id: 0, model },
    ...{ passport: 'ab'.repeat(32), weights, answered_at: now, consent: 1 },
  };
  // It has waited, so that verifiers of all owners get it.
  const row = newVerification({ id, cause: 'drawn', subject, now: now - 60_000, waitMs: 3_600_000 });
  const draw = {
    ...{ height, from_index: 0, size: 1, next_index: 1, root: '00'.repeat(32), share: 1 },
    ...{ public_key: '', proof: '', open: 1, created_at: now, revealed_at: null },
  };
  const step = { draw, before: undefined, waiting: [{ ...row, draw: height }], ended: [] };
  await store.write(operations.storeDraw, step);

  const verifier = state === 'held' ? key : await coordinator.key('verifier');
  const options = verifier === undefined ? {} : { key: verifier };
  const claim = { verifier_id: 'reader', weights: [weights], engine: ENGINE };
  const path = '/v1/verifications/claim';
  const { body: task } = await coordinator.call<VerificationTask>('POST', path, claim, options);
  if (task.verification_id !== id) throw new Error(`Nobody got the answer: ${JSON.stringify(task)}`);
  if (state === 'ended') {
    const tokens = Array.from({ length: 24 }, () => STRANGE);
    const scores = { verifier_id: 'reader', tokens, engine: ENGINE, retokenized: true };
    const answer = await coordinator.call('POST', `/v1/verifications/${id}/scores`, scores, options);
    if (answer.status !== 200) throw new Error(`The scores were refused: ${JSON.stringify(answer.body)}`);
  }
  return id;
}
