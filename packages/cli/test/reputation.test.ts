import { hash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Receipt, ScoredToken, VerificationStatement, VerificationTask } from '@aitbc/protocol';
import { signAttestation, signerFromSeed, signPassport } from '@aitbc/receipts';
import { expect, test, vi } from 'vitest';
import { RecomputedRecords } from '../src/ledger/recompute-records.ts';
import { withCoordinator } from './coordinator.ts';

const coordinator = withCoordinator({ verifyShare: 1, ledgerInterval: 0.2 });

const WEIGHTS = `sha256:${'ab'.repeat(32)}`;
const ENGINE = { name: 'llama.cpp', build: 'b7000' };
const TEXT = 'Light of the sun is scattered by the air, and blue light is scattered most.';
const token: ScoredToken = {
  full: { logprob: -1, entropy: 1, variance: 1 },
  nucleus: { logprob: -1, entropy: 1, variance: 1 },
  below_best: 0.5,
};

const signer = signerFromSeed(new Uint8Array(32).fill(7));
const MINER = { miner_id: 'lab', model: 'sky' };

async function request<Body>(method: string, path: string, body: object | undefined, key: string) {
  const headers = { 'content-type': 'application/json', 'x-api-key': key };
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const answer = await fetch(new URL(path, coordinator.url), { method, headers, ...sent });
  const text = await answer.text();
  return (text === '' ? undefined : JSON.parse(text)) as Body;
}

async function answer(): Promise<Receipt> {
  const { client } = coordinator;
  const { miner_id, model } = MINER;
  const prompt = 'Why is the sky blue?';
  const { job_id } = await client.jobs.submit({ model, prompt });
  const { salt } = await client.jobs.claim(job_id, miner_id);
  const sha = (text: string) => hash('sha256', salt + text);
  const hashes = { prompt_hash: sha(prompt), artifact_hash: sha(TEXT) };
  const signature = await signAttestation({ job_id, model, ...hashes }, signer);
  const told = { finish_reason: 'stop' as const, effective_parameters: { temperature: 0.8 } };
  return await client.jobs.complete(job_id, { miner_id, result: TEXT, signature, ...told });
}

test('is recomputed from the ledger, with the draws that chose the answers', async () => {
  const key = await coordinator.key('verifier');
  const passport = { weights: { value: WEIGHTS, source: 'hashed' as const } };
  const { miner_id, model } = MINER;
  await coordinator.client.miners.register({
    ...{ miner_id, capabilities: [model], public_key: signer.keyId },
    models: [
      { model, passport: { ...passport, signature: await signPassport({ ...MINER, passport }, signer) } },
    ],
  });
  // The first draw marks where drawing begins, so the first answers may be before it.
  let task: VerificationTask | undefined;
  const claim = { verifier_id: 'own', weights: [WEIGHTS], engine: ENGINE, wait: 2 };
  while (!task) {
    await answer();
    task = await request<VerificationTask | undefined>('POST', '/v1/verifications/claim', claim, key);
  }
  const { verification_id } = task;
  const tokens = Array.from({ length: 30 }, () => token);
  const scores = { verifier_id: 'own', tokens, engine: ENGINE, retokenized: true };
  await request('POST', `/v1/verifications/${verification_id}/scores`, scores, key);
  const published = async () => {
    const path = `/v1/verifications/${verification_id}`;
    return (await request<{ inclusion: object | null }>('GET', path, undefined, key)).inclusion;
  };
  await vi.waitUntil(async () => (await published()) !== null, { timeout: 60_000, interval: 200 });

  const { exitCode, stdout } = await coordinator.aitbc(['ledger', 'reputation', '--json']);
  const found = JSON.parse(stdout);
  expect(found.checks.filter(({ ok }: { ok: boolean }) => !ok)).toEqual([]);
  expect(exitCode).toBe(0);
  expect(found.miners).toMatchObject([{ miner_id, judgement: 'inconclusive', answers: 1, consistent: 1 }]);
  await expectVerified(verification_id);
  const shown = await coordinator.aitbc(['ledger', 'reputation', '--miner', miner_id]);
  expect(shown.stdout).toMatch(/^MINER +PASSPORT +JUDGEMENT/m);
  expect(shown.stdout).toMatch(/^lab +[0-9a-f]{12} +inconclusive +1 +0 +0/m);
});

/** A verification is a statement like receipts: it is verified by its id, its proof and its JSON. */
async function expectVerified(id: string) {
  expect(await coordinator.aitbc(['receipt', 'verify', id])).toMatchObject({ exitCode: 0 });
  const proof = await coordinator.aitbc(['receipt', 'proof', id]);
  const saved = join(coordinator.folder, `${id}.tlog-proof`);
  await writeFile(saved, proof.stdout);
  const vkey = await coordinator.client.ledger.vkey();
  const offline = { env: { AITBC_COORDINATOR: 'http://127.0.0.1:2' } };
  const verified = await coordinator.aitbc(['receipt', 'verify', saved, '--vkey', vkey], offline);
  expect([verified.exitCode, verified.stderr]).toEqual([0, '']);

  const { stdout } = await coordinator.aitbc(['receipt', 'get', id]);
  const statement: VerificationStatement = JSON.parse(stdout);
  expect(statement).toMatchObject({ type: 'verification', verification_id: id });
  const [file, forged] = [join(coordinator.folder, 'found.json'), join(coordinator.folder, 'forged.json')];
  await writeFile(file, stdout);
  expect(await coordinator.aitbc(['receipt', 'verify', file, '--vkey', vkey])).toMatchObject({ exitCode: 0 });
  await writeFile(forged, JSON.stringify({ ...statement, judgement: 'accused' }));
  const refused = await coordinator.aitbc(['receipt', 'verify', forged, '--vkey', vkey]);
  expect([refused.exitCode, refused.stderr]).toEqual([
    1,
    expect.stringContaining('The verification is not valid: '),
  ]);
}

test('says which judgements do not follow from their numbers', () => {
  const receipt = { receipt_id: 'rcpt-1', metadata: { miner_id: 'lab', passport: 'ab'.repeat(32) } };
  const statement = {
    ...{
      type: 'verification',
      verification_id: 'ver-1',
      cause: 'drawn',
      receipt_id: 'rcpt-1',
      miner_id: 'lab',
    },
    ...{ passport: 'ab'.repeat(32), rule: 'nucleus/1', tokens: 40, sum: 0, variance: 42, draw: null },
    ...{ judgement: 'accused', counts: true, clears: false, created_at: 1 },
  };
  const recomputed = new RecomputedRecords();
  recomputed.add(0, new Uint8Array(32), receipt as unknown as Receipt);
  recomputed.add(1, new Uint8Array(32), statement as unknown as VerificationStatement);
  recomputed.add(2, new Uint8Array(32), {
    ...statement,
    receipt_id: 'rcpt-2',
  } as unknown as VerificationStatement);
  expect(recomputed.faults).toEqual([
    'Entry 1, the verification ver-1, says accused, and its numbers say consistent',
    'Entry 2, the verification ver-1, repeats an earlier one',
    'Entry 2, the verification ver-1, is about rcpt-2, which the ledger does not have before it',
    'Entry 2, the verification ver-1, says accused, and its numbers say consistent',
  ]);
});
