import type {
  ClaimedJobs,
  Job,
  JobPreview,
  Miner,
  MinerDetail,
  OfferedModels,
  PublicModel,
} from '@aitbc/protocol';
import { canonicalJson, generateSigner, passportDigest, textHash, verifyReceipt } from '@aitbc/receipts';
import { expect, test } from 'vitest';
import { refusal } from './harness/answers.ts';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';
import { passportMiners, STATEMENT, signed, WEIGHTS } from './harness/passports.ts';

describeEachEngine('passports of models', engine => {
  const coordinator = withCoordinator(engine);
  const act = actions(coordinator);
  const { miner, claim, finish } = passportMiners(act);
  const get = async <Body>(path: string) => (await coordinator.call<Body>('GET', path)).body;
  const other = { ...STATEMENT, weights: { value: `sha256:${'b2'.repeat(32)}`, source: 'claimed' as const } };

  test('are shown with the miner and counted with the model', async () => {
    const digest = passportDigest(STATEMENT);
    await miner('shown-a', 'shown');
    await miner('shown-b', 'shown');
    await miner('shown-c', 'shown', other);
    await miner('shown-d', 'shown', null);
    const { models } = await get<MinerDetail>('/v1/miners/shown-a');
    expect(models).toMatchObject([
      { model: 'shown', passport: { digest, ...STATEMENT, signature: { alg: 'Ed25519' } } },
    ]);
    expect((await get<MinerDetail>('/v1/miners/shown-d')).models[0]?.passport).toBeNull();
    const listed = await get<Miner[]>('/v1/miners?model=shown');
    expect(listed.flatMap(({ models }) => models.filter(model => 'passport' in model))).toEqual([]);

    const passports = [
      { digest, miners: 2, weights: WEIGHTS, quantization: 'Q8_0' },
      { digest: passportDigest(other), miners: 1, weights: other.weights.value, quantization: 'Q8_0' },
      { digest: null, miners: 1, weights: null, quantization: null },
    ];
    const offered = (await get<OfferedModels>('/v1/models')).data.find(({ id }) => id === 'shown');
    const found = (await get<PublicModel[]>('/explorer/models')).find(({ model }) => model === 'shown');
    for (const shown of [offered?.aitbc.passports, found?.passports])
      expect(shown?.toSorted((a, b) => b.miners - a.miners || (a.digest ? -1 : 1))).toEqual(passports);
  });

  test('must be signed by the miner itself, for itself and for this model', async () => {
    const [own, foreign] = [await generateSigner(), await generateSigner()];
    const good = await signed('forger', 'forged', STATEMENT, own);
    const register = (passport: object, more: object = {}) =>
      coordinator.call('POST', '/v1/miners/register', {
        ...{ miner_id: 'forger', capabilities: ['forged'], public_key: own.keyId },
        ...{ models: [{ model: 'forged', passport }], ...more },
      });
    for (const passport of [
      await signed('forger', 'forged', STATEMENT, foreign),
      await signed('somebody', 'forged', STATEMENT, own),
      await signed('forger', 'another', STATEMENT, own),
      { ...good, quantization: { value: 'F16', source: 'hashed' } },
    ]) {
      const refused = [400, 'RECEIPT_INVALID_SIGNATURE', 'models.0.passport.signature'];
      expect(refusal(await register(passport))).toEqual(refused);
    }
    expect(refusal(await register(good, { public_key: undefined }))[1]).toBe('RECEIPT_INVALID_SIGNATURE');
    const { signature: _, ...unsigned } = good;
    expect(refusal(await register(unsigned))).toEqual([
      ...[400, 'VALIDATION_MISSING_FIELD', 'models.0.passport.signature'],
    ]);
    expect((await coordinator.call('GET', '/v1/miners/forger')).status).toBe(404);
    expect((await register(good)).status).toBe(201);
  });

  test('have bounds', async () => {
    const signer = await generateSigner();
    const register = async (more: object) =>
      refusal(
        await coordinator.call('POST', '/v1/miners/register', {
          ...{ miner_id: 'bounds', capabilities: ['bounds'], public_key: signer.keyId },
          models: [
            {
              model: 'bounds',
              passport: { ...(await signed('bounds', 'bounds', STATEMENT, signer)), ...more },
            },
          ],
        }),
      );
    const from = (value: unknown) => ({ value, source: 'claimed' });
    const at = (field: string) => `models.0.passport.${field}`;
    expect(await register({ weights: from('sha1:abc') })).toEqual([
      ...[400, 'VALIDATION_INVALID_FORMAT', at('weights.value')],
    ]);
    expect(await register({ engine: from('e'.repeat(257)) })).toEqual([
      ...[400, 'VALIDATION_OUT_OF_RANGE', at('engine.value')],
    ]);
    expect(await register({ sampler: from({ top_p: 2 }) })).toEqual([
      ...[400, 'VALIDATION_OUT_OF_RANGE', at('sampler.value.top_p')],
    ]);
    expect(await register({ gpu: from('fast') })).toEqual([400, 'VALIDATION_UNKNOWN_FIELD', at('gpu')]);
    expect((await register({ build: { value: 'b1', source: 'guessed' } }))[0]).toBe(400);
  });

  test('stand in the receipt as of the claim, with the hash of the parameters that applied', async () => {
    await miner('receipt', 'receipt');
    const { job_id, salt } = await act.submit({ model: 'receipt' });
    const claimed = await claim('receipt');
    if (!claimed) throw new Error('nothing to claim');
    await miner('receipt', 'receipt', other);
    const effective_parameters = { temperature: 0.7, seed: 7 };
    const rendered_prompt_hash = textHash(salt, '<|user|>Hello');
    const { inclusion: _, ...receipt } = {
      inclusion: null,
      ...(await finish('receipt', claimed, 'Hi', { effective_parameters, rendered_prompt_hash })),
    };
    expect(receipt.metadata).toMatchObject({
      passport: passportDigest(STATEMENT),
      parameters_hash: textHash(salt, canonicalJson(effective_parameters)),
      rendered_prompt_hash,
    });
    const { keys } = await get<{ keys: never[] }>('/v1/keys');
    expect(await verifyReceipt(receipt, { keys })).toMatchObject({ valid: true });
    expect(await get<Job>(`/v1/jobs/${job_id}`)).toMatchObject({ effective_parameters });

    const damaged = { ...receipt, metadata: { ...receipt.metadata, passport: 'abc' } };
    const { checks } = await verifyReceipt(damaged, { keys });
    expect(checks.find(({ name }) => name === 'shape')?.ok).toBe(false);
  });

  test('are what clients may demand, and what is missing is said', async () => {
    await miner('demand-a', 'demand');
    await miner('demand-b', 'demand', null);
    const wanted = { model: 'demand', constraints: { model_digest: WEIGHTS, quantization: 'q8_0' } };
    const job = await act.submit(wanted);
    expect(job.constraints).toEqual({ model_digest: WEIGHTS, quantization: 'Q8_0' });
    const idle = await coordinator.call<ClaimedJobs>(
      'POST',
      '/v1/miners/demand-b/claims',
      {},
      {
        headers: { prefer: 'explain' },
      },
    );
    expect(idle.body).toMatchObject({ jobs: [], idle: { blocked: [{ reason: 'passport', jobs: 1 }] } });
    const byId = await coordinator.call('POST', `/v1/jobs/${job.job_id}/claim`, { miner_id: 'demand-b' });
    expect(refusal(byId)).toEqual([409, 'JOB_INVALID_STATUS']);
    expect((await claim('demand-a'))?.job_id).toBe(job.job_id);

    const preview = await coordinator.call<JobPreview>('POST', '/v1/jobs', {
      ...{ prompt: 'Hello', model: 'demand', dry_run: true, constraints: { quantization: 'F16' } },
    });
    expect(preview.body.queue).toMatchObject({
      eligible_miners: 0,
      reason: '2 live miners offer the model demand, but none with the quantization F16.',
    });
    const bad = { prompt: 'Hello', model: 'demand', constraints: { model_digest: 'Q8_0' } };
    expect(refusal(await coordinator.call('POST', '/v1/jobs', bad))).toEqual([
      ...[400, 'VALIDATION_INVALID_FORMAT', 'constraints.model_digest'],
    ]);
  });

  test('of all runs of a replicated job are equal: those that most owners’ miners have', async () => {
    const deterministic = { model: 'runs', replication: 2, params: { temperature: 0, seed: 1 } };
    const early = await act.submit(deterministic);
    await miner('runs-a', 'runs', other);
    await miner('runs-b', 'runs');
    await miner('runs-c', 'runs');
    await miner('runs-d', 'runs', null);
    // With no miner there yet, the first claim decides.
    const first = await claim('runs-a');
    expect(early.runs?.map(({ job_id }) => job_id)).toContain(first?.job_id);
    expect(await claim('runs-b')).toBeUndefined();
    await act.cancel(early.job_id);

    const { job_id } = await act.submit(deterministic);
    for (const id of ['runs-a', 'runs-d']) expect(await claim(id)).toBeUndefined();
    for (const id of ['runs-b', 'runs-c']) {
      const run = await claim(id);
      if (!run) throw new Error(`${id} got nothing`);
      await finish(id, run);
    }
    expect(await act.job(job_id)).toMatchObject({ status: 'completed', result: 'The answer' });
  });
});
