import type { Job, MinerDetail, PublicKeys, Receipt, TokenUsage } from '@aitbc/protocol';
import { generateSigner, type Signer, signAttestation, textHash, verifyReceipt } from '@aitbc/receipts';
import { describe, expect, test } from 'vitest';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeOneEngine } from './harness/engines.ts';
import { violations } from './invariants/violations.ts';

/*
 * Nothing is charged for that the coordinator can see was not used, whatever miners say.
 */
describeOneEngine('a price', engine => {
  const coordinator = withCoordinator(engine, {
    rate: 0.01,
    jobTimeoutSeconds: 60,
    sweepSeconds: 15,
    tokenRates: { tokens: 1 },
  });
  const { submit, job, cancel, register, claims, heartbeat } = actions(coordinator);
  const tryComplete = async (jobId: string, body: object) =>
    (
      await coordinator.call<Receipt>('POST', `/v1/jobs/${jobId}/complete`, {
        result: 'Hello, you!',
        ...body,
      })
    ).body;

  async function running(model: string, request: object = {}, registration: object = {}): Promise<Job> {
    await register(model, { capabilities: [model], ...registration });
    const submitted = await submit({ model, ...request });
    await claims(model);
    return submitted;
  }

  async function expectValid(receipt: Receipt) {
    const { keys } = (await coordinator.call<PublicKeys>('GET', '/v1/keys')).body;
    const { checks } = await verifyReceipt(receipt, { keys });
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  }

  test('has no more tokens of an answer than bytes of its result and its reasoning', async () => {
    const { job_id } = await running('tokens', { prompt: 'hi' });
    const usage: TokenUsage = {
      ...{ prompt_tokens: 5_000, completion_tokens: 9_000 },
      ...{ cached_tokens: 4_000, reasoning_tokens: 8_000 },
    };
    const receipt = await tryComplete(job_id, { miner_id: 'tokens', result: 'né', reasoning: 'so', usage });
    const plausible = {
      ...{ prompt_tokens: 258, completion_tokens: 5 },
      ...{ cached_tokens: 258, reasoning_tokens: 5 },
    };
    expect(receipt).toMatchObject({ units: 263, metadata: { usage: plausible } });
    expect((await job(job_id)).usage).toEqual(plausible);
    await expectValid(receipt);
  });

  test('follows no count that is out of the world either', async () => {
    const usage = { prompt_tokens: Number.MAX_SAFE_INTEGER, completion_tokens: Number.MAX_SAFE_INTEGER };
    const { job_id } = await running('tokens', { prompt: 'hi' });
    const receipt = await tryComplete(job_id, { miner_id: 'tokens', result: 'x', usage });
    expect(receipt).toMatchObject({
      units: 259,
      metadata: { usage: { prompt_tokens: 258, completion_tokens: 1 } },
    });
  });

  test('is for tokens that make no miner faster than its texts', async () => {
    const { job_id } = await running('fast', { prompt: 'hi' });
    coordinator.moveClock({ seconds: 1 });
    await tryComplete(job_id, { miner_id: 'fast', result: '0123456789', usage: { completion_tokens: 1e8 } });
    const { body } = await coordinator.call<MinerDetail>('GET', '/v1/miners/fast');
    expect(JSON.stringify(body)).toContain('"tokens_per_second":10');
  });

  test('is for no more seconds than the deadline of the claim, however late its end is noticed', async () => {
    const { job_id } = await running('late');
    coordinator.moveClock({ seconds: 5_000 });
    const receipt = await tryComplete(job_id, { miner_id: 'late' });
    expect(receipt).toMatchObject({
      ...{ units: 60, price: 0.6, duration_ms: 60_000 },
      metadata: { unbilled_ms: 4_940_000 },
    });
    await expectValid(receipt);
  });

  test('is for none of the time in which no coordinator ran', async () => {
    const { job_id } = await running('absent');
    await coordinator.pass({ seconds: 10 });
    await coordinator.restart({ seconds: 105 });
    coordinator.moveClock({ seconds: 15 });
    const receipt = await tryComplete(job_id, { miner_id: 'absent' });
    expect(receipt).toMatchObject({ units: 25, price: 0.25, metadata: { unbilled_ms: 105_000 } });
    await expectValid(receipt);
  });

  test('forgets an absence that another attempt went through', async () => {
    const { job_id } = await running('attempts');
    await coordinator.pass({ seconds: 1 });
    await coordinator.restart({ seconds: 400 });
    await coordinator.call('POST', `/v1/jobs/${job_id}/release`, { miner_id: 'attempts' });
    await claims('attempts');
    coordinator.moveClock({ seconds: 7 });
    const receipt = await tryComplete(job_id, { miner_id: 'attempts' });
    expect(receipt).toMatchObject({ units: 7 });
    expect(receipt.metadata).not.toHaveProperty('unbilled_ms');
  });

  test('is of the attempt, though the deadline was moved for an absence', async () => {
    const { job_id } = await running('moved');
    await coordinator.pass({ seconds: 50 });
    await coordinator.restart({ seconds: 400 });
    coordinator.moveClock({ seconds: 55 });
    await heartbeat('moved', [job_id]);
    expect(await tryComplete(job_id, { miner_id: 'moved' })).toMatchObject({ units: 60 });
  });

  const signed = async ({ job_id, salt }: Job, model: string, signer: Signer) => {
    const [prompt_hash, artifact_hash] = [textHash(salt, 'Hello'), textHash(salt, 'Hello, you!')];
    return await signAttestation({ job_id, model, prompt_hash, artifact_hash }, signer);
  };
  const at = (seconds: number) => new Date(coordinator.now() + seconds * 1000).toISOString();

  test('ends where the miner says in a signed completion that it was done', async () => {
    const signer = generateSigner();
    const started = await running('reports', {}, { public_key: signer.keyId });
    coordinator.moveClock({ seconds: 40 });
    const signature = await signed(started, 'reports', signer);
    const body = { miner_id: 'reports', signature, completed_at: at(-30) };
    const receipt = await tryComplete(started.job_id, body);
    expect(receipt).toMatchObject({ units: 10, price: 0.1, metadata: { unbilled_ms: 30_000 } });
    await expectValid(receipt);
  });

  test.each([
    ['before the claim', -50],
    ['in the future', 50],
  ])('does not follow a signed report of a time %s', async (when, seconds) => {
    const signer = generateSigner();
    const model = `reports-${when.replaceAll(' ', '-')}`;
    const started = await running(model, {}, { public_key: signer.keyId });
    coordinator.moveClock({ seconds: 40 });
    const signature = await signed(started, model, signer);
    const receipt = await tryComplete(started.job_id, {
      miner_id: model,
      signature,
      completed_at: at(seconds),
    });
    expect(receipt).toMatchObject({ units: 40, metadata: { reported_completed_at: at(seconds) } });
  });

  test('does not follow a report that nobody signed', async () => {
    const { job_id } = await running('unsigned');
    coordinator.moveClock({ seconds: 40 });
    expect(await tryComplete(job_id, { miner_id: 'unsigned', completed_at: at(-30) })).toMatchObject({
      units: 40,
    });
  });

  describe.each([
    ['seconds', { units: 12, price: 0.12, unit_type: 'gpu_second' }],
    // A prompt of 5 bytes, and 17 bytes in two pieces.
    ['tokens', { units: 7, price: 0.007, unit_type: 'token' }],
  ])('of a job that is cancelled while its text is read, by %s', (model, price) => {
    const post = (jobId: string, first: number, chunks: unknown[]) =>
      coordinator.call('POST', `/v1/jobs/${jobId}/chunks`, { miner_id: model, first, chunks });

    test('is for what was delivered', async () => {
      const started = await running(model, { stream: true });
      const { job_id, salt } = started;
      const before = (await coordinator.call<MinerDetail>('GET', `/v1/miners/${model}`)).body.reputation;
      await post(job_id, 0, ['Hello, ', 'dear you!!']);
      coordinator.moveClock({ seconds: 12 });
      const cancelled = await cancel(job_id);
      const receipt_id = expect.stringMatching(/^rcpt-/);
      expect(cancelled).toMatchObject({ status: 'cancelled', result: 'Hello, dear you!!', receipt_id });
      const { body } = await coordinator.call<Receipt & { inclusion?: unknown }>(
        'GET',
        `/v1/jobs/${job_id}/receipt`,
      );
      expect(body).toMatchObject({
        ...{ ...price, job_id, artifact_hash: textHash(salt, 'Hello, dear you!!') },
        metadata: { status: 'cancelled', miner_id: model, usage: { prompt_tokens: 2, completion_tokens: 5 } },
      });
      await expectValid(body);
      expect(
        (await coordinator.call('POST', `/v1/jobs/${job_id}/complete`, { miner_id: model, result: 'x' }))
          .body,
      ).toMatchObject({ error_code: 'JOB_ALREADY_CANCELLED' });
      expect((await coordinator.call('POST', `/v1/jobs/${job_id}/cancel`)).status).toBe(409);
      expect(
        (await coordinator.call<MinerDetail>('GET', `/v1/miners/${model}`)).body.reputation,
      ).toMatchObject({ score: before.score, failures: 0, timeouts: 0 });
    });

    test('is for its reasoning too, but for no text of an attempt that was given up', async () => {
      const { job_id, salt } = await running(model, { stream: true });
      await post(job_id, 0, ['void']);
      await coordinator.call('POST', `/v1/jobs/${job_id}/release`, { miner_id: model });
      await claims(model);
      await post(job_id, 0, [{ reasoning: 'Let me think.' }]);
      expect(await cancel(job_id)).toMatchObject({ result: '', reasoning: 'Let me think.' });
      const { body } = await coordinator.call<Receipt>('GET', `/v1/jobs/${job_id}/receipt`);
      expect(body).toMatchObject({
        artifact_hash: textHash(salt, ''),
        metadata: { usage: { completion_tokens: 4 } },
      });
    });

    test('is none where nothing was delivered', async () => {
      const { job_id } = await running(model, { stream: true });
      expect(await cancel(job_id)).toMatchObject({ result: null, receipt_id: null });
    });
  });

  test('leaves everything as it should be', async () => {
    expect(await violations(coordinator.running.modules.store.read)).toEqual([]);
  });
});
