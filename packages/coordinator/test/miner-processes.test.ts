import { randomUUID } from 'node:crypto';
import type { Miner, Problem, RegisterMiner } from '@aitbc/protocol';
import { generateSigner, type Signer, signAttestation, signRegistration, textHash } from '@aitbc/receipts';
import { describe, expect, test } from 'vitest';
import { type Answer, actions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';

const refusal = ({ status, body }: Answer) => {
  const { error_code, field } = body as Problem;
  return [status, error_code, field];
};
const SUPERSEDED = [409, 'MINER_SUPERSEDED', undefined];

describeEachEngine('a miner id', engine => {
  const coordinator = withCoordinator(engine);
  const { submit, claim, claims, job, heartbeat } = actions(coordinator);

  const register = (miner_id: string, more: Partial<RegisterMiner> = {}, key?: string) =>
    coordinator.call<Miner>(
      'POST',
      '/v1/miners/register',
      { miner_id, capabilities: [miner_id], ...more },
      key === undefined ? {} : { key },
    );

  /** Registers as an agent does that holds the key. */
  async function registerSigned(miner_id: string, signer: Signer, more: Partial<RegisterMiner> = {}) {
    const told = { session: randomUUID(), public_key: signer.keyId, ...more };
    const { public_key, session, address = null } = told;
    const proof = await signRegistration({ miner_id, public_key, session, address }, signer);
    return await register(miner_id, { ...told, proof });
  }

  const post = (path: string, body: object = {}) => coordinator.call('POST', path, body);

  test('is the process’s that registered it last; all that an older one sends is refused', async () => {
    const id = 'taken-over';
    const older = (await register(id)).body.epoch;
    const { job_id } = await submit({ model: id });
    await claim(job_id, id);
    const { epoch } = (await register(id)).body;
    expect(epoch).toBeGreaterThan(older);
    const asMiner = (epoch: number) => ({ miner_id: id, epoch });
    const requests = (epoch: number) => [
      post(`/v1/miners/${id}/heartbeat`, { epoch }),
      post(`/v1/miners/${id}/claims`, { epoch }),
      coordinator.call('GET', `/v1/jobs/available?miner_id=${id}&epoch=${epoch}`),
      post(`/v1/jobs/${job_id}/claim`, asMiner(epoch)),
      post(`/v1/jobs/${job_id}/chunks`, { ...asMiner(epoch), first: 0, chunks: ['a'] }),
      post(`/v1/jobs/${job_id}/complete`, { ...asMiner(epoch), result: 'late' }),
      post(`/v1/jobs/${job_id}/fail`, { ...asMiner(epoch), error: 'late' }),
      post(`/v1/jobs/${job_id}/release`, asMiner(epoch)),
      post(`/v1/miners/${id}/drain?epoch=${epoch}`),
      coordinator.call('DELETE', `/v1/miners/${id}?epoch=${epoch}`),
      register(id, { epoch }),
    ];
    for (const answer of await Promise.all(requests(older))) expect(refusal(answer)).toEqual(SUPERSEDED);
    expect(await job(job_id)).toMatchObject({ status: 'running', miner_id: id });
    const held = await coordinator.call<{ jobs: { job_id: string }[] }>(
      'POST',
      `/v1/miners/${id}/heartbeat`,
      {
        epoch,
      },
    );
    expect(held.body.jobs.map(({ job_id }) => job_id)).toEqual([job_id]);
  });

  test('stays with a process that registers again, by its epoch or by its session', async () => {
    const id = 'again-and-again';
    const session = randomUUID();
    const first = await register(id, { session });
    const { job_id } = await submit({ model: id });
    await claims(id);
    for (const known of [{ session }, { epoch: first.body.epoch }, { session, epoch: first.body.epoch }]) {
      const again = await register(id, { ...known, region: 'eu' });
      expect([again.status, again.body.epoch, again.body.region]).toEqual([200, first.body.epoch, 'eu']);
    }
    const { status } = await post(`/v1/jobs/${job_id}/complete`, {
      ...{ miner_id: id, epoch: first.body.epoch, result: 'done' },
    });
    expect(status).toBe(200);
  });

  test('needs neither key nor epoch', async () => {
    const id = 'plain';
    await register(id);
    await register(id);
    const { job_id } = await submit({ model: id });
    await claim(job_id, id);
    await heartbeat(id, [job_id]);
    expect((await post(`/v1/jobs/${job_id}/complete`, { miner_id: id, result: 'r' })).status).toBe(200);
  });

  test('that the store forgot, as after a restore, is registered anew rather than given up', async () => {
    const id = 'restored';
    const { epoch } = (await register(id)).body;
    expect(refusal(await post(`/v1/miners/${id}/heartbeat`, { epoch: epoch + 5 }))).toEqual([
      ...[404, 'MINER_NOT_FOUND', undefined],
    ]);
    const again = await register(id, { epoch: epoch + 5, session: randomUUID() });
    expect([again.status, again.body.epoch]).toEqual([200, epoch + 1]);
  });

  describe('without API keys', () => {
    test('is another key’s only with a proof by the one it has', async () => {
      const id = 'bound';
      const [owner, other] = [generateSigner(), generateSigner()];
      await register(id, { public_key: owner.keyId });
      const taken = [409, 'MINER_ALREADY_REGISTERED', 'public_key'];
      expect(refusal(await register(id))).toEqual(taken);
      expect(refusal(await register(id, { public_key: other.keyId }))).toEqual(taken);
      expect(refusal(await registerSigned(id, other))).toEqual(taken);
      const statement = { miner_id: id, public_key: other.keyId, session: null, address: null };
      const proof = await signRegistration(statement, owner);
      const moved = await register(id, { public_key: other.keyId, proof });
      expect([moved.status, moved.body.public_key]).toEqual([200, other.keyId]);
      expect(refusal(await register(id, { public_key: owner.keyId }))).toEqual(taken);
    });

    test('is refused with a proof of something else', async () => {
      const id = 'misproven';
      const signer = generateSigner();
      const statement = { miner_id: 'another', public_key: signer.keyId, session: null, address: null };
      const proof = await signRegistration(statement, signer);
      expect(refusal(await register(id, { public_key: signer.keyId, proof }))).toEqual([
        ...[400, 'RECEIPT_INVALID_SIGNATURE', 'proof'],
      ]);
    });

    test('is free again when an administrator removes the miner, and only then', async () => {
      const id = 'lost-key';
      await registerSigned(id, generateSigner());
      await coordinator.call('DELETE', `/v1/miners/${id}`);
      expect((await register(id)).status).toBe(409);
      const admin = await coordinator.key('admin');
      await registerSigned(`${id}-2`, generateSigner());
      expect((await coordinator.call('DELETE', `/v1/miners/${id}-2`, undefined, { key: admin })).status).toBe(
        204,
      );
      expect((await register(`${id}-2`)).status).toBe(200);
    });
  });

  test('of an owner with an API key may change its key', async () => {
    const key = await coordinator.key('miner');
    await register('owned', { public_key: generateSigner().keyId }, key);
    const { keyId } = generateSigner();
    const { status, body } = await register('owned', { public_key: keyId }, key);
    expect([status, body.public_key]).toEqual([200, keyId]);
  });

  test('with a public key has results only that are signed with it', async () => {
    const id = 'obliged';
    const signer = generateSigner();
    await register(id, { public_key: signer.keyId });
    const { job_id } = await submit({ model: id });
    const { salt } = await claim(job_id, id);
    const result = 'The result';
    const unsigned = { miner_id: id, result };
    expect(refusal(await post(`/v1/jobs/${job_id}/complete`, unsigned))).toEqual([
      ...[400, 'RECEIPT_INVALID_SIGNATURE', 'signature'],
    ]);
    const hashes = { prompt_hash: textHash(salt, 'Hello'), artifact_hash: textHash(salt, result) };
    const signature = await signAttestation({ job_id, model: id, ...hashes }, signer);
    expect((await post(`/v1/jobs/${job_id}/complete`, { ...unsigned, signature })).status).toBe(200);
  });
});
