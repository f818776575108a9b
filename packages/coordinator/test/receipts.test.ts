import type { PublicKeys, Receipt } from '@aitbc/protocol';
import { verifyDisclosure, verifyReceipt } from '@aitbc/receipts';
import { expect, test } from 'vitest';
import { allPages, refusal } from './harness/answers.ts';
import { actions, type TestCoordinator, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';

/** Submits, claims and completes a job; its receipt. */
async function earn(coordinator: TestCoordinator, model: string, clientKey?: string): Promise<Receipt> {
  const client = actions(coordinator, clientKey);
  const { register, claims, complete } = actions(coordinator);
  await register(model, { capabilities: [model] });
  const { job_id } = await client.submit({ model });
  await claims(model);
  return await complete(job_id, model);
}

describeEachEngine('receipts', engine => {
  const coordinator = withCoordinator(engine);
  const get = <Body>(path: string, key?: string) =>
    coordinator.call<Body>('GET', path, undefined, key === undefined ? {} : { key });
  const keys = async () => (await get<PublicKeys>('/v1/keys')).body.keys;

  test('a receipt verifies with the published key', async () => {
    const { receipt_id } = await earn(coordinator, 'verifies');
    const { body } = await get<Receipt>(`/v1/receipts/${receipt_id}`);
    expect((await verifyReceipt(body, { keys: await keys() })).valid).toBe(true);
  });

  test('so does one of a run that took a third of a second, at a price limit of many digits', async () => {
    const { register, submit, claims, complete } = actions(coordinator);
    await register('digits', { capabilities: ['digits'] });
    const { job_id } = await submit({ model: 'digits', constraints: { max_price: 0.0123456789 } });
    await claims('digits');
    coordinator.moveClock({ seconds: 0.333 });
    const receipt = await complete(job_id, 'digits');
    expect((await verifyReceipt(receipt, { keys: await keys() })).valid).toBe(true);
  });

  test('a changed receipt does not', async () => {
    const receipt = await earn(coordinator, 'changed');
    const { valid } = await verifyReceipt({ ...receipt, price: receipt.price + 1 }, { keys: await keys() });
    expect(valid).toBe(false);
  });

  test('it is the same wherever it is read', async () => {
    const receipt = await earn(coordinator, 'same');
    const published = { ...receipt, inclusion: null };
    expect((await get(`/v1/receipts/${receipt.receipt_id}`)).body).toEqual(published);
    expect((await get(`/v1/jobs/${receipt.job_id}/receipt`)).body).toEqual(published);
    expect((await get<Receipt[]>('/v1/receipts?limit=1')).body).toEqual([receipt]);
    expect((await get<Receipt[]>('/explorer/receipts?limit=1')).body).toEqual([receipt]);
  });

  test('the salt of a job opens the hashes of its receipt', async () => {
    const receipt = await earn(coordinator, 'opens');
    const { salt, prompt, result } = await actions(coordinator).job(receipt.job_id);
    expect(verifyDisclosure({ receipt, salt, prompt: prompt ?? '', result: result ?? '' })).toMatchObject({
      prompt: true,
      result: true,
    });
  });

  test('equal prompts and results have different hashes', async () => {
    const [first, second] = [await earn(coordinator, 'equal'), await earn(coordinator, 'equal')];
    expect(first.prompt_hash).not.toBe(second.prompt_hash);
    expect(first.artifact_hash).not.toBe(second.artifact_hash);
    expect(first.nonce).not.toBe(second.nonce);
  });

  test('a job that has not ended has none yet', async () => {
    const { job_id } = await actions(coordinator).submit();
    const answer = await get(`/v1/jobs/${job_id}/receipt`);
    expect(refusal(answer)).toEqual([404, 'RECEIPT_NOT_FOUND']);
    expect(answer.body).toMatchObject({ detail: 'The job has not ended yet' });
  });

  test('a job without a result never has one', async () => {
    const { submit, cancel } = actions(coordinator);
    const { job_id } = await submit();
    await cancel(job_id);
    expect((await get(`/v1/jobs/${job_id}/receipt`)).body).toMatchObject({
      error_code: 'RECEIPT_NOT_FOUND',
      detail: 'The job is cancelled: it has no receipt',
    });
  });

  test('an unknown receipt is not found', async () => {
    expect(refusal(await get('/v1/receipts/rcpt-none'))).toEqual([404, 'RECEIPT_NOT_FOUND']);
  });

  test("of another's job the receipt is public, but not by its job", async () => {
    const receipt = await earn(coordinator, 'public', await coordinator.key('client'));
    expect((await get(`/v1/receipts/${receipt.receipt_id}`)).status).toBe(200);
    expect(refusal(await get(`/v1/jobs/${receipt.job_id}/receipt`))).toEqual([404, 'JOB_NOT_FOUND']);
  });

  test('it tells nothing of the texts', async () => {
    const text = JSON.stringify(await earn(coordinator, 'discreet'));
    expect(text).not.toContain('Hello');
  });
});

describeEachEngine('lists of receipts', engine => {
  const coordinator = withCoordinator(engine);
  const list = async (query: string) =>
    (await coordinator.call<Receipt[]>('GET', `/v1/receipts?${query}`)).body.map(
      receipt => receipt.receipt_id,
    );

  test('are by client, by provider, or both', async () => {
    const [alice, bob] = [await coordinator.key('client'), await coordinator.key('client')];
    const aliceOne = await earn(coordinator, 'one', alice);
    const aliceTwo = await earn(coordinator, 'two', alice);
    const bobOne = await earn(coordinator, 'one', bob);
    expect(await list(`client=${aliceOne.client}`)).toEqual([aliceTwo.receipt_id, aliceOne.receipt_id]);
    expect(await list(`provider=${aliceOne.provider}`)).toEqual([bobOne.receipt_id, aliceOne.receipt_id]);
    expect(await list(`client=${bobOne.client}&provider=${bobOne.provider}`)).toEqual([bobOne.receipt_id]);
    expect(await list(`client=${bobOne.client}&provider=${aliceTwo.provider}`)).toEqual([]);
    expect(await list('client=ait1nobody')).toEqual([]);
    expect(await list('miner=one')).toEqual([bobOne.receipt_id, aliceOne.receipt_id]);
    expect(await list(`miner=one&client=${bobOne.client}`)).toEqual([bobOne.receipt_id]);
    expect(await list('miner=nobody')).toEqual([]);
    expect(await list('model=one&limit=1')).toEqual([bobOne.receipt_id]);
    expect(await list('model=nothing')).toEqual([]);
  });

  test('are newest first, and pages lead to the end without gap or repeat while receipts arrive', async () => {
    const key = await coordinator.key('client');
    const ids: string[] = [];
    let client = '';
    for (let count = 0; count < 7; count++) {
      const receipt = await earn(coordinator, 'pages', key);
      ids.unshift(receipt.receipt_id);
      client = receipt.client;
    }
    const pages = await allPages<Receipt>(coordinator, `/v1/receipts?client=${client}&limit=3`, {}, () =>
      earn(coordinator, 'pages', key),
    );
    expect(pages.flat().map(receipt => receipt.receipt_id)).toEqual(ids);
  });

  test.each(['limit=0', 'limit=101', 'cursor=nonsense', `client=${'a'.repeat(91)}`])(
    '?%s is refused',
    async query => {
      expect((await coordinator.call('GET', `/v1/receipts?${query}`)).status).toBe(400);
    },
  );

  test('the keys name the coordinator that signs', async () => {
    const receipt = await earn(coordinator, 'signed');
    const { body } = await coordinator.call<PublicKeys>('GET', '/v1/keys');
    expect(body.keys).toEqual([
      {
        key_id: receipt.signature.key_id,
        alg: 'Ed25519',
        use: 'receipts',
        coordinator_id: receipt.coordinator_id,
        created_at: expect.stringMatching(/Z$/),
        retired_at: null,
      },
    ]);
  });
});
