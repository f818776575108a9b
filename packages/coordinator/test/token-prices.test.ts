import type { PublicKeys, Receipt, SubmitJob, TokenUsage } from '@aitbc/protocol';
import { verifyReceipt } from '@aitbc/receipts';
import { expect, test } from 'vitest';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeOneEngine } from './harness/engines.ts';

describeOneEngine('models that are priced by tokens', engine => {
  const coordinator = withCoordinator(engine, {
    rate: 0.01,
    rates: { both: 0.5 },
    tokenRates: { tokens: 0.5, both: 0.25, constructor: 1 },
    tokenLimit: 500,
  });
  const { submit, register, claims } = actions(coordinator);

  async function earn(
    model: string,
    usage: TokenUsage | undefined,
    job: Partial<SubmitJob> = {},
  ): Promise<Receipt> {
    await register(model, { capabilities: [model] });
    const { job_id } = await submit({ model, ...job });
    await claims(model);
    coordinator.moveClock({ seconds: 3 });
    const completion = { miner_id: model, result: 'Hello, you! '.repeat(100), usage };
    return (await coordinator.call<Receipt>('POST', `/v1/jobs/${job_id}/complete`, completion)).body;
  }

  test('a job costs the tokens of its prompt and of its answer', async () => {
    expect(await earn('tokens', { prompt_tokens: 30, completion_tokens: 70 })).toMatchObject({
      units: 100,
      unit_type: 'token',
      price: 0.05,
      duration_ms: 3000,
      metadata: { rate_per_1000: 0.5, usage: { prompt_tokens: 30, completion_tokens: 70 } },
    });
  });

  test('others cost time, whatever tokens they took', async () => {
    const receipt = await earn('seconds', { prompt_tokens: 30, completion_tokens: 70 });
    expect(receipt).toMatchObject({
      units: 3,
      unit_type: 'gpu_second',
      price: 0.03,
      metadata: { rate: 0.01 },
    });
  });

  test('the price by tokens goes before the one by time', async () => {
    expect(await earn('both', { completion_tokens: 4 })).toMatchObject({ unit_type: 'token', price: 0.001 });
  });

  test('what was not counted costs nothing', async () => {
    expect(await earn('tokens', undefined)).toMatchObject({ units: 0, unit_type: 'token', price: 0 });
  });

  test('no more tokens are charged for than the job allows, whatever its miner counts', async () => {
    const usage = { prompt_tokens: 1e6, completion_tokens: 1e8 };
    const short = await earn('tokens', usage, { prompt: 'Hello', params: { max_tokens: 10 } });
    const plausible = { prompt_tokens: 261, completion_tokens: 1_200 };
    expect(short).toMatchObject({
      units: 271,
      price: 0.1355,
      metadata: { token_limit: 271, usage: plausible },
    });
    expect(await earn('tokens', usage, { prompt: 'Hello' })).toMatchObject({ units: 761 });
  });

  test('max_price caps it, and leaves the job all its time', async () => {
    await register('tokens', { capabilities: ['tokens'] });
    await submit({ model: 'tokens', constraints: { max_price: 0.01 } });
    const [job] = await claims('tokens');
    expect(job?.deadline).toBe(new Date(coordinator.now() + 600_000).toISOString());
    const usage = { prompt_tokens: 30, completion_tokens: 70 };
    const completion = { miner_id: 'tokens', result: 'Hello, you! '.repeat(100), usage };
    const { body } = await coordinator.call<Receipt>('POST', `/v1/jobs/${job?.job_id}/complete`, completion);
    expect(body).toMatchObject({ units: 100, price: 0.01, metadata: { max_price: 0.01 } });
  });

  test('anyone can work the price out again from the receipt', async () => {
    const { keys } = (await coordinator.call<PublicKeys>('GET', '/v1/keys')).body;
    const receipts = [
      await earn('tokens', { prompt_tokens: 30, completion_tokens: 77 }),
      await earn('tokens', { completion_tokens: 1e9 }),
      await earn('tokens', undefined),
    ];
    for (const receipt of receipts) expect((await verifyReceipt(receipt, { keys })).valid).toBe(true);
  });
});
