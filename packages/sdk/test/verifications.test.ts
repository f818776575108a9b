import { hash } from 'node:crypto';
import type { Receipt, ScoredToken, VerificationTask } from '@aitbc/protocol';
import {
  scoresHash,
  signAttestation,
  signerFromSeed,
  signPassport,
  verificationEntry,
  verifyVerification,
} from '@aitbc/receipts';
import { leafHash, parseVkey, verifyTlogProof } from '@aitbc/tlog';
import { beforeAll, expect, test } from 'vitest';
import type { CoordinatorClient } from '../src/index.ts';
import { withCoordinator } from './coordinator.ts';

const coordinator = withCoordinator({ verifyShare: 1, ledgerInterval: 0.2 });

const MINER = { miner_id: 'lab', model: 'sky' };
const PROMPT = 'Why is the sky blue?';
const TEXT = 'Light of the sun is scattered by the air, and blue light is scattered most.';
const WEIGHTS = `sha256:${'ab'.repeat(32)}`;
const VERIFIER = { verifier_id: 'own', engine: { name: 'llama.cpp', build: 'b7000' } };
const signer = signerFromSeed(new Uint8Array(32).fill(7));

/** A token that the model would not have said. */
const strange: ScoredToken = {
  full: { logprob: -9, entropy: 1, variance: 1 },
  nucleus: { logprob: -9, entropy: 1, variance: 1 },
  below_best: 8,
};
const tokens = Array.from({ length: 30 }, () => strange);

let owner: CoordinatorClient;
let verifier: CoordinatorClient;
let task: VerificationTask;

beforeAll(async () => {
  [owner, verifier] = [await coordinator.clientWith('miner'), await coordinator.clientWith('verifier')];
  const passport = { weights: { value: WEIGHTS, source: 'hashed' as const } };
  const signature = await signPassport({ ...MINER, passport }, signer);
  await owner.miners.register({
    ...{ miner_id: MINER.miner_id, capabilities: [MINER.model], public_key: signer.keyId },
    models: [{ model: MINER.model, passport: { ...passport, signature } }],
  });
  // The first draw marks where drawing begins, so the first answers may be before it.
  let claimed: VerificationTask | null = null;
  while (!claimed) {
    await answer();
    claimed = await verifier.verifications.claim({ ...VERIFIER, weights: [WEIGHTS], wait: 2 });
  }
  task = claimed;
});

async function answer(): Promise<Receipt> {
  const { miner_id, model } = MINER;
  const { job_id } = await coordinator.client.jobs.submit({ model, prompt: PROMPT });
  const { salt } = await owner.jobs.claim(job_id, miner_id);
  const sha = (text: string) => hash('sha256', salt + text);
  const hashes = { prompt_hash: sha(PROMPT), artifact_hash: sha(TEXT) };
  const signature = await signAttestation({ job_id, model, ...hashes }, signer);
  const told = { finish_reason: 'stop' as const, effective_parameters: { temperature: 0.8 } };
  return await owner.jobs.complete(job_id, { miner_id, result: TEXT, signature, ...told });
}

test('what a verifier found is listed, proven and disclosed, and the owner appeals', async () => {
  const { client } = coordinator;
  const { verification_id: id } = task;
  await expect(client.verifications.get(id)).rejects.toMatchObject({ errorCode: 'VERIFICATION_NOT_FOUND' });
  const scores = { ...VERIFIER, tokens, retokenized: true };
  const outcome = await verifier.verifications.submitScores(id, scores);
  expect(outcome).toEqual({ verification_id: id, status: 'ended', judgement: 'accused' });

  const proof = await client.verifications.waitForProof(id);
  const { statement, inclusion } = await client.verifications.get(id);
  expect(inclusion).not.toBe(null);
  expect(statement).toMatchObject({ miner_id: MINER.miner_id, judgement: 'accused', tokens: 30 });
  await verifyTlogProof(proof, leafHash(verificationEntry(statement)), {
    log: parseVkey(await client.ledger.vkey()),
  });
  const keys = await client.signingKeys.list();
  expect(await verifyVerification(statement, { keys })).toMatchObject({ valid: true });

  const accused = await Array.fromAsync(
    client.verifications.list({ miner: MINER.miner_id, judgement: 'accused' }),
  );
  expect(accused).toEqual([statement]);
  expect(await Array.fromAsync(client.verifications.list({ miner: 'nobody' }))).toEqual([]);
  expect(await Array.fromAsync(client.evidence.list({ miner: MINER.miner_id }))).toMatchObject([
    { passport: statement.passport, answers: 1, accused: 1 },
  ]);

  const disclosed = await owner.verifications.scores(id);
  expect(scoresHash(disclosed.salt, disclosed.tokens)).toBe(statement.scores_hash);
  const stranger = await coordinator.clientWith('client');
  await expect(stranger.verifications.scores(id)).rejects.toMatchObject({ status: 404 });

  const appeal = await owner.verifications.appeal(id, { reason: 'Our template is another one' });
  expect(appeal).toMatchObject({ status: 'waiting', judgement: null });
  expect(await owner.verifications.appeal(id)).toEqual(appeal);
  await expect(owner.verifications.appeal(appeal.verification_id)).rejects.toMatchObject({ status: 404 });
});

test('an answer that a verifier can’t score is given back', async () => {
  let given: VerificationTask | null = null;
  while (!given) {
    await answer();
    given = await verifier.verifications.claim({ ...VERIFIER, weights: [WEIGHTS], wait: 2 });
  }
  const { verification_id } = given;
  const { verifier_id } = VERIFIER;
  const outcome = await verifier.verifications.fail(verification_id, { verifier_id, reason: 'No memory' });
  expect(outcome.verification_id).toBe(verification_id);
  const late = verifier.verifications.submitScores(verification_id, {
    ...{ ...VERIFIER, tokens, retokenized: true },
  });
  await expect(late).rejects.toMatchObject({ errorCode: expect.stringMatching(/^VERIFICATION_/) });
});
