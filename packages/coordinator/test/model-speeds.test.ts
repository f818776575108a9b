import type { Miner, MinerDetail } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeOneEngine } from './harness/engines.ts';

/** Long enough for all tokens that are counted here: a token has a byte at least. */
const TEXT = 'abc'.repeat(400);

describeOneEngine('how fast miners run models', engine => {
  const coordinator = withCoordinator(engine);
  const { submit, register, claims } = actions(coordinator);
  const post = (path: string, body: object) => coordinator.call('POST', path, body);
  const speedsOf = async (id: string) => {
    const { body } = await coordinator.call<MinerDetail>('GET', `/v1/miners/${id}`);
    return body.models.map(({ time_to_first_token_ms, tokens_per_second }) => [
      time_to_first_token_ms,
      tokens_per_second,
    ]);
  };

  /** Runs a job for so many seconds. `firstChunk` is when its text begins to come. */
  async function run(
    minerId: string,
    model: string,
    { seconds, tokens, firstChunk }: { seconds: number; tokens?: number; firstChunk?: number },
  ): Promise<void> {
    const { job_id } = await submit({ model, stream: firstChunk !== undefined });
    await claims(minerId);
    coordinator.moveClock({ seconds: firstChunk ?? 0 });
    if (firstChunk !== undefined)
      await post(`/v1/jobs/${job_id}/chunks`, { miner_id: minerId, first: 0, chunks: ['a'] });
    coordinator.moveClock({ seconds: seconds - (firstChunk ?? 0) });
    const usage = tokens === undefined ? undefined : { prompt_tokens: 5, completion_tokens: tokens };
    await post(`/v1/jobs/${job_id}/complete`, { miner_id: minerId, result: TEXT, usage });
  }

  test('is unknown at first', async () => {
    await register('new', { capabilities: ['new'] });
    expect(await speedsOf('new')).toEqual([[null, null]]);
  });

  test('is measured by the tokens of the answer over the run, and by when its text begins', async () => {
    await register('measured', { capabilities: ['measured'] });
    await run('measured', 'measured', { seconds: 4, tokens: 100, firstChunk: 0.5 });
    expect(await speedsOf('measured')).toEqual([[500, 25]]);
  });

  test('without a stream nobody knows when the first token came', async () => {
    await register('whole', { capabilities: ['whole'] });
    await run('whole', 'whole', { seconds: 2, tokens: 100 });
    expect(await speedsOf('whole')).toEqual([[null, 50]]);
  });

  test('without counts nobody knows the tokens', async () => {
    await register('uncounted', { capabilities: ['uncounted'] });
    await run('uncounted', 'uncounted', { seconds: 2, firstChunk: 1 });
    expect(await speedsOf('uncounted')).toEqual([[1000, null]]);
  });

  test('a new attempt is timed from its own claim', async () => {
    await register('second', { capabilities: ['second'] });
    const { job_id } = await submit({ model: 'second', stream: true });
    await claims('second');
    await post(`/v1/jobs/${job_id}/chunks`, { miner_id: 'second', first: 0, chunks: ['a'] });
    await post(`/v1/jobs/${job_id}/release`, { miner_id: 'second' });
    coordinator.moveClock({ seconds: 60 });
    await claims('second');
    coordinator.moveClock({ seconds: 0.25 });
    await post(`/v1/jobs/${job_id}/chunks`, { miner_id: 'second', first: 0, chunks: ['b'] });
    coordinator.moveClock({ seconds: 1 });
    await post(`/v1/jobs/${job_id}/complete`, { miner_id: 'second', result: 'b' });
    expect(await speedsOf('second')).toEqual([[250, null]]);
  });

  test('is smoothed over jobs, for each model apart', async () => {
    await register('smooth', { capabilities: ['slow', 'fast'] });
    await run('smooth', 'slow', { seconds: 10, tokens: 100 });
    await run('smooth', 'slow', { seconds: 10, tokens: 200 });
    await run('smooth', 'fast', { seconds: 1, tokens: 300 });
    expect(await speedsOf('smooth')).toEqual([
      [null, 12],
      [null, 300],
    ]);
  });

  test('jobs of one batch count one after the other', async () => {
    await register('batch', { capabilities: ['batch'] });
    for (const _ of [1, 2]) await submit({ model: 'batch' });
    const jobs = await claims('batch', 2);
    coordinator.moveClock({ seconds: 10 });
    const usage = { completion_tokens: 100 };
    await Promise.all(
      jobs.map(({ job_id }) =>
        post(`/v1/jobs/${job_id}/complete`, { miner_id: 'batch', result: TEXT, usage }),
      ),
    );
    expect(await speedsOf('batch')).toEqual([[null, 10]]);
  });

  test('is in the list of miners too', async () => {
    await register('0-listed', { capabilities: ['0-listed'] });
    await run('0-listed', '0-listed', { seconds: 1, tokens: 7 });
    const { body } = await coordinator.call<Miner[]>('GET', '/v1/miners?limit=1');
    expect(body).toMatchObject([{ models: [{ model: '0-listed', tokens_per_second: 7 }] }]);
  });

  test('of a model, it is the average over the miners that live', async () => {
    for (const id of ['average-a', 'average-b', 'average-gone'])
      await register(id, { capabilities: ['average'], concurrency: 2 });
    await run('average-a', 'average', { seconds: 1, tokens: 10, firstChunk: 0.1 });
    await run('average-b', 'average', { seconds: 1, tokens: 30 });
    await run('average-gone', 'average', { seconds: 1, tokens: 1000 });
    await post('/v1/miners/average-gone/drain', {});
    await post('/v1/miners/average-a/heartbeat', { loaded: ['average'] });
    coordinator.moveClock({ seconds: 5 });
    const offered = {
      ...{ model: 'average', miners: 2, loaded: 1, slots: 4 },
      ...{ first_token_ms: 100, tokens_per_second: 20 },
    };
    const { models } = coordinator.running.modules.miners;
    expect(await models.get('average')).toMatchObject(offered);
    expect(await models.list()).toContainEqual(expect.objectContaining(offered));
    expect(await models.get('nobody has it')).toBeUndefined();
  });
});
