import type { Job, Receipt } from '@aitbc/protocol';
import {
  addressFromPublicKey,
  generateSigner,
  type Signer,
  signAttestation,
  textHash,
} from '@aitbc/receipts';
import { expect, test } from 'vitest';
import { refusal } from './harness/answers.ts';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';

describeEachEngine('completing a job', engine => {
  const coordinator = withCoordinator(engine, { rate: 0.01, rates: { dear: 2 } });
  const { submit, job, cancel, register, claims, complete, fail } = actions(coordinator);
  const tryComplete = (jobId: string, body: object) =>
    coordinator.call<Receipt>('POST', `/v1/jobs/${jobId}/complete`, { result: 'Hello, you!', ...body });

  /** A job of its own model, in the hands of a miner of the model's name. */
  async function running(model: string, registration: object = {}): Promise<Job> {
    await register(model, { capabilities: [model], ...registration });
    const submitted = await submit({ model });
    await claims(model);
    return submitted;
  }

  test('answers the signed receipt', async () => {
    const { job_id, salt } = await running('receipt');
    const started_at = Math.floor(coordinator.now() / 1000);
    coordinator.moveClock({ seconds: 4 });
    const { status, body } = await tryComplete(job_id, { miner_id: 'receipt' });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      version: '1.0',
      receipt_id: expect.stringMatching(/^rcpt-[0-9a-z]{26}$/),
      job_id,
      units: 4,
      unit_type: 'gpu_second',
      price: 0.04,
      model: 'receipt',
      prompt_hash: textHash(salt, 'Hello'),
      artifact_hash: textHash(salt, 'Hello, you!'),
      started_at,
      completed_at: started_at + 4,
      duration_ms: 4000,
      coordinator_id: coordinator.running.modules.coordinatorId,
      metadata: { miner_id: 'receipt' },
    });
    expect(await job(job_id)).toMatchObject({ receipt_id: body.receipt_id, result: 'Hello, you!' });
  });

  test('costs what the rate of its model says', async () => {
    const { job_id } = await running('dear');
    coordinator.moveClock({ seconds: 3 });
    expect(await complete(job_id, 'dear')).toMatchObject({ units: 3, price: 6 });
  });

  test('never costs more than the client would pay', async () => {
    await register('capped', { capabilities: ['capped'] });
    const { job_id } = await submit({ model: 'capped', constraints: { max_price: 0.05 } });
    await claims('capped');
    coordinator.moveClock({ seconds: 60 });
    expect((await complete(job_id, 'capped')).price).toBe(0.05);
  });

  test('repeated, it answers the same receipt, whatever the result says now', async () => {
    const { job_id } = await running('repeated');
    const first = await complete(job_id, 'repeated');
    coordinator.moveClock({ seconds: 60 });
    expect(await complete(job_id, 'repeated')).toEqual(first);
    expect(await complete(job_id, 'repeated', 'Another result')).toEqual(first);
    expect((await job(job_id)).result).toBe('Hello, you!');
  });

  test('many times at once makes one receipt', async () => {
    const { job_id } = await running('at-once');
    const receipts = await Promise.all(Array.from({ length: 10 }, () => complete(job_id, 'at-once')));
    expect(new Set(receipts.map(({ receipt_id }) => receipt_id)).size).toBe(1);
  });

  test('is for the miner that holds the job', async () => {
    const { job_id } = await running('holder');
    await register('thief', { capabilities: ['holder'] });
    expect(refusal(await tryComplete(job_id, { miner_id: 'thief' }))).toEqual([409, 'JOB_NOT_LEASED']);
    expect(refusal(await tryComplete(job_id, { miner_id: 'stranger' }))).toEqual([404, 'MINER_NOT_FOUND']);
    expect(refusal(await tryComplete('job-none', { miner_id: 'holder' }))).toEqual([404, 'JOB_NOT_FOUND']);
    expect((await job(job_id)).status).toBe('running');
  });

  test('needs a claim', async () => {
    await register('hasty', { capabilities: ['hasty'] });
    const { job_id } = await submit({ model: 'hasty' });
    expect(refusal(await tryComplete(job_id, { miner_id: 'hasty' }))).toEqual([409, 'JOB_NOT_LEASED']);
  });

  test('is refused when the lease is lost, to another miner or for good', async () => {
    const { job_id } = await running('lost');
    await coordinator.pass({ seconds: 120 });
    expect(refusal(await tryComplete(job_id, { miner_id: 'lost' }))).toEqual([409, 'JOB_NOT_LEASED']);
    await register('next', { capabilities: ['lost'] });
    await claims('next');
    expect(refusal(await tryComplete(job_id, { miner_id: 'lost' }))).toEqual([409, 'JOB_NOT_LEASED']);
    await complete(job_id, 'next');
    expect(refusal(await tryComplete(job_id, { miner_id: 'lost' }))).toEqual([409, 'JOB_ALREADY_COMPLETED']);
  });

  test('is refused after the job was cancelled or failed', async () => {
    const cancelled = await running('cancelled');
    await cancel(cancelled.job_id);
    expect(refusal(await tryComplete(cancelled.job_id, { miner_id: 'cancelled' }))).toEqual([
      409,
      'JOB_ALREADY_CANCELLED',
    ]);
    const failed = await running('failed');
    await fail(failed.job_id, 'failed', { retryable: false });
    expect(refusal(await tryComplete(failed.job_id, { miner_id: 'failed' }))).toEqual([
      409,
      'JOB_INVALID_STATUS',
    ]);
  });

  test.each([
    ['without an offset is UTC', '2026-01-24T15:00:05', '2026-01-24T15:00:05.000Z'],
    ['of Python is UTC', '2026-01-24T15:00:05.123456', '2026-01-24T15:00:05.123Z'],
    ['with an offset is kept as UTC', '2026-01-24T15:00:05+02:00', '2026-01-24T13:00:05.000Z'],
    ['in UTC is kept', '1999-12-31T23:59:59Z', '1999-12-31T23:59:59.000Z'],
  ])('a time %s, and decides nothing', async (name, completed_at, recorded) => {
    const model = name.replaceAll(' ', '-');
    const { job_id } = await running(model);
    const { body } = await tryComplete(job_id, { miner_id: model, completed_at });
    expect(body.metadata).toMatchObject({ reported_completed_at: recorded });
    expect(body.completed_at).toBe(Math.floor(coordinator.now() / 1000));
  });

  test.each(['yesterday', '2026-13-01T00:00:00Z', '2026-02-30T00:00:00Z', '2026-01-24', ''])(
    'the time "%s" is refused',
    async completed_at => {
      const answer = await tryComplete('any', { miner_id: 'any', completed_at });
      expect(refusal(answer)).toEqual([400, 'VALIDATION_INVALID_FORMAT', 'completed_at']);
    },
  );

  test('counts of tokens go into the receipt, what else an engine reports does not', async () => {
    const { job_id } = await running('usage');
    const usage = { prompt_tokens: 5, completion_tokens: 7 };
    const reported = { ...usage, total_tokens: 12, engine: 'größer \ud800', details: { cached: null } };
    const { body } = await tryComplete(job_id, { miner_id: 'usage', usage: reported });
    expect(body.metadata.usage).toEqual(usage);
    expect((await job(job_id)).usage).toEqual(usage);
  });

  test.each([
    ...['{"prompt_tokens":-1}', '{"prompt_tokens":1.5}'],
    ...['{"prompt_tokens":1e300}', '{"prompt_tokens":"12"}', '{}', 'null', '"many"', '[1]', '7'],
  ])('the usage %s, which can not be, is dropped, and the result counts', async usage => {
    const model = `usage-${usage.replaceAll(/\W/g, '-')}`;
    const { job_id } = await running(model);
    const body = `{"miner_id":"${model}","result":"r","usage":${usage}}`;
    const answer = await coordinator.call('POST', `/v1/jobs/${job_id}/complete`, body);
    expect(answer).toMatchObject({ status: 200, body: { metadata: expect.not.objectContaining({ usage }) } });
    expect(await job(job_id)).toMatchObject({ status: 'completed', usage: null });
  });

  test('a number that JSON libraries do not have is refused, since what they make of it differs', async () => {
    const { job_id } = await running('usage-1e400');
    const body = '{"miner_id":"usage-1e400","result":"r","usage":{"prompt_tokens":1e400}}';
    const answer = await coordinator.call('POST', `/v1/jobs/${job_id}/complete`, body);
    expect(refusal(answer)).toEqual([400, 'VALIDATION_INVALID_TYPE', 'usage.prompt_tokens']);
    expect(await job(job_id)).toMatchObject({ status: 'running' });
  });

  test('half of a character, as engines cut texts, is replaced, and the answer says where', async () => {
    const { job_id } = await running('halves');
    const body = `{"miner_id":"halves","result":"a\\ud83d","reasoning":"\\ude00b","usage":{"engine\\udc00":1}}`;
    const answer = await coordinator.call('POST', `/v1/jobs/${job_id}/complete`, body);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('replaced-text')).toBe('result, reasoning, usage.engine%EF%BF%BD');
    expect(await job(job_id)).toMatchObject({ result: 'a\ufffd', reasoning: '\ufffdb' });
  });

  test('a whole result is answered without a word of replacing', async () => {
    const { job_id } = await running('whole');
    const { headers } = await tryComplete(job_id, { miner_id: 'whole', result: '👩‍🚀' });
    expect(headers.has('replaced-text')).toBe(false);
  });

  test('of counts that contradict each other the more detailed is dropped', async () => {
    const { job_id } = await running('contradicting');
    const usage = { prompt_tokens: 4, cached_tokens: 5, completion_tokens: 2, reasoning_tokens: 2 };
    await tryComplete(job_id, { miner_id: 'contradicting', usage });
    const { cached_tokens: _, ...left } = usage;
    expect((await job(job_id)).usage).toEqual(left);
  });

  test.each([
    ['nothing', ''],
    ['a NUL character', 'a\0b'],
    ['emoji', '👩‍🚀'],
    ['500,000 characters', 'x'.repeat(500_000)],
  ])('a result of %s reaches its owner unchanged', async (name, result) => {
    const model = `result-of-${name.replaceAll(/\W/g, '-')}`;
    const { job_id, salt } = await running(model);
    const { artifact_hash } = await complete(job_id, model, result);
    expect((await job(job_id)).result).toBe(result);
    expect(artifact_hash).toBe(textHash(salt, result));
  });

  test('a result cut within a character has the hash of what its owner reads', async () => {
    const { job_id, salt } = await running('cut');
    const { body } = await coordinator.call<Receipt>(
      'POST',
      `/v1/jobs/${job_id}/complete`,
      '{"miner_id":"cut","result":"\\ud83d"}',
    );
    const { result } = await job(job_id);
    expect(result).toBe('\ufffd');
    expect(body.artifact_hash).toBe(textHash(salt, '\ufffd'));
  });
});

describeEachEngine('a result signed by its miner', engine => {
  const coordinator = withCoordinator(engine);
  const { submit, job, register, claim } = actions(coordinator);
  const key = generateSigner();

  async function signedBy(signer: Signer, result: string, model: string) {
    await register(model, { capabilities: [model], public_key: key.keyId });
    const { job_id } = await submit({ model });
    const { salt } = await claim(job_id, model);
    const hashes = { prompt_hash: textHash(salt, 'Hello'), artifact_hash: textHash(salt, result) };
    const signature = await signAttestation({ job_id, model, ...hashes }, signer);
    const complete = (more: object = {}) =>
      coordinator.call<Receipt>('POST', `/v1/jobs/${job_id}/complete`, {
        miner_id: model,
        result: 'The result',
        signature: { ...signature, ...more },
      });
    return { job_id, signature, complete };
  }

  test('carries the signature in its receipt, and earns for the key', async () => {
    const { signature, complete } = await signedBy(key, 'The result', 'right');
    const { body } = await complete({ note: 'größer' });
    expect(body.metadata.signatures).toEqual([signature]);
    expect(body.provider).toBe(addressFromPublicKey(key.keyId));
  });

  test.each([
    ['another result', key, 'Another result'],
    ['another key', generateSigner(), 'The result'],
  ])('is refused when the signature is of %s, and may be sent again', async (what, signer, result) => {
    const model = what.replaceAll(' ', '-');
    const { job_id, complete } = await signedBy(signer, result, model);
    expect(refusal(await complete())).toEqual([400, 'RECEIPT_INVALID_SIGNATURE', 'signature']);
    expect((await job(job_id)).status).toBe('running');
  });

  test('is refused when the signature is no signature', async () => {
    const { complete } = await signedBy(key, 'The result', 'garbled');
    expect(refusal(await complete({ sig: `${'A'.repeat(85)}B` }))).toEqual([
      400,
      'RECEIPT_INVALID_SIGNATURE',
      'signature',
    ]);
    expect(refusal(await complete({ sig: 'short' }))).toEqual([
      400,
      'VALIDATION_INVALID_FORMAT',
      'signature.sig',
    ]);
  });
});
