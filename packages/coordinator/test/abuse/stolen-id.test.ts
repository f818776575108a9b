import { randomUUID } from 'node:crypto';
import type { Miner, Problem, Receipt } from '@aitbc/protocol';
import {
  addressFromLabel,
  addressFromPublicKey,
  generateSigner,
  signAttestation,
  signRegistration,
  textHash,
} from '@aitbc/receipts';
import { expect, test } from 'vitest';
import { actions, withCoordinator } from '../harness/coordinator.ts';
import { describeEachEngine } from '../harness/engines.ts';

/*
 * The attack: where nobody has an API key, somebody registers the id of another's miner, to put it out of work or to have
 * its earnings. A miner's public key is known to everybody.
 */
describeEachEngine('a stolen miner id', engine => {
  const coordinator = withCoordinator(engine);
  const { submit, claim } = actions(coordinator);
  const victim = generateSigner();
  const thief = generateSigner();
  const address = addressFromLabel('thief');

  test('costs the thief a refusal, and the miner nothing', async () => {
    const miner_id = 'victim';
    const model = 'stolen';
    const told = { miner_id, public_key: victim.keyId, session: randomUUID() };
    const proof = await signRegistration({ ...told, address: null }, victim);
    const register = (more: object) =>
      coordinator.call<Partial<Pick<Miner, 'epoch'> & Pick<Problem, 'error_code'>>>(
        'POST',
        '/v1/miners/register',
        {
          ...{ miner_id, capabilities: [model], ...more },
        },
      );
    const { epoch } = (await register({ ...told, proof })).body;
    const { job_id } = await submit({ model });
    const { salt } = await claim(job_id, miner_id);

    const session = randomUUID();
    const stolen = { miner_id, public_key: thief.keyId, session, address: null };
    for (const attempt of [
      {},
      { address },
      { public_key: thief.keyId },
      { ...stolen, address: undefined, proof: await signRegistration(stolen, thief) },
      { public_key: victim.keyId, address },
      { public_key: victim.keyId, address, epoch },
      { public_key: victim.keyId, session, address },
      { public_key: victim.keyId, session, address, proof },
      { public_key: victim.keyId, session: told.session, address, proof },
    ]) {
      const { status, body } = await register(attempt);
      expect([status, body.error_code]).toEqual(
        'proof' in attempt && attempt.proof === proof
          ? [400, 'RECEIPT_INVALID_SIGNATURE']
          : [409, 'MINER_ALREADY_REGISTERED'],
      );
    }

    const result = 'Honest work';
    const complete = (more: object) =>
      coordinator.call<Receipt>('POST', `/v1/jobs/${job_id}/complete`, { miner_id, result, ...more });
    expect((await complete({ result: 'Stolen work' })).status).toBe(400);
    const hashes = { prompt_hash: textHash(salt, 'Hello'), artifact_hash: textHash(salt, result) };
    const signature = await signAttestation({ job_id, model, ...hashes }, victim);
    const { status, body } = await complete({ epoch, signature });
    expect([status, body.provider]).toEqual([200, addressFromPublicKey(victim.keyId)]);
  });
});
