import type { ClaimedJobs, Job, JobPreview, OfferedModel, OfferedModels } from '@aitbc/protocol';
import { describe, expect, test } from 'vitest';
import { refusal } from './harness/answers.ts';
import {
  actions,
  startTestCoordinator,
  type TestCoordinator,
  withCoordinator,
} from './harness/coordinator.ts';
import { describeEachEngine, ENGINES, type Engine } from './harness/engines.ts';

describeEachEngine('an alias of a model', engine => {
  const coordinator = withCoordinator(engine, {
    modelAliases: { 'gpt-4o': 'llama3.2', nobody: 'gone' },
    rates: { 'llama3.2': 0.5 },
  });
  const { register, claims, complete } = actions(coordinator);
  const call: TestCoordinator['call'] = (...asked) => coordinator.call(...asked);

  test('is a name for it wherever a model is named, and the answer says which model ran', async () => {
    await register('aliased', { capabilities: ['llama3.2'] });
    const asked = { prompt: 'Hello', model: 'gpt-4o' };
    const preview = await call<JobPreview>('POST', '/v1/jobs', { ...asked, dry_run: true });
    expect(preview.body).toMatchObject({ model: 'llama3.2', price: { credits: 0.5 } });
    const { body: job } = await call<Job>('POST', '/v1/jobs', asked);
    expect(job).toMatchObject({ model: 'llama3.2', queue: { eligible_miners: 1 } });
    const listed = await call<Job[]>('GET', '/v1/jobs?model=gpt-4o');
    expect(listed.body.map(({ job_id }) => job_id)).toEqual([job.job_id]);
    expect((await claims('aliased'))[0]?.model).toBe('llama3.2');
    expect(await complete(job.job_id, 'aliased')).toMatchObject({ model: 'llama3.2' });

    const chat = { model: 'gpt-4o', messages: [{ role: 'user', content: 'Hello' }] };
    const answer = call('POST', '/v1/chat/completions', chat);
    const [claimed] = (await call<{ jobs: Job[] }>('POST', '/v1/miners/aliased/claims', { wait: 15 })).body
      .jobs;
    await complete(claimed?.job_id ?? '', 'aliased');
    expect((await answer).body).toMatchObject({ model: 'llama3.2' });
  });

  test('is among the models if its model is offered', async () => {
    await register('aliased', { capabilities: ['llama3.2'] });
    const { body } = await call<OfferedModels>('GET', '/v1/models');
    expect(body.data.map(({ id, aitbc }) => [id, aitbc.alias_of, aitbc.price?.credits])).toEqual([
      ['gpt-4o', 'llama3.2', 0.5],
      ['llama3.2', undefined, 0.5],
    ]);
    const one = await call<OfferedModel>('GET', '/v1/models/gpt-4o');
    expect(one.body).toMatchObject({ id: 'gpt-4o', aitbc: { alias_of: 'llama3.2', miners: 1 } });
    expect((await call('GET', '/v1/models/nobody')).status).toBe(404);
  });

  test('may be used by keys that name it, and by keys that name its model', async () => {
    const admin = await coordinator.key('admin');
    const ask = async (allowed: string, model: string) => {
      const made = { name: allowed, scopes: ['client'], allowed_models: [allowed] };
      const { body } = await call<{ key: string }>('POST', '/v1/api-keys', made, { key: admin });
      return await call('POST', '/v1/jobs', { prompt: 'Hello', model, dry_run: true }, { key: body.key });
    };
    expect((await ask('gpt-4o', 'gpt-4o')).status).toBe(200);
    expect((await ask('llama3.2', 'gpt-4o')).status).toBe(200);
    expect(refusal(await ask('gpt-4o', 'llama3.2'))).toEqual([403, 'MODEL_NOT_ALLOWED', 'model']);
    expect(refusal(await ask('gone', 'gpt-4o'))).toEqual([403, 'MODEL_NOT_ALLOWED', 'model']);
  });
});

describe('a coordinator with aliases', () => {
  test('does not start with a price for one', async () => {
    const options = { modelAliases: { fast: 'llama3.2' }, tokenRates: { fast: 2 } };
    await expect(startTestCoordinator(ENGINES[0] as Engine, options)).rejects.toThrow(
      '--token-rates has a price for fast, which is an alias of llama3.2: name the model',
    );
  });
});

describeEachEngine('the miners that a client chooses', engine => {
  const coordinator = withCoordinator(engine);
  const { register, submit, claims, job, complete } = actions(coordinator);
  let models = 0;

  /** A model that miners with these ids offer, with one slot each. */
  async function offered(...ids: string[]): Promise<string> {
    const model = `chosen-${++models}`;
    for (const id of ids) await register(id, { capabilities: [model], concurrency: 1 });
    return model;
  }

  /** A key of an account of its own, which may submit jobs and register miners, and its address. */
  async function account() {
    const key = await coordinator.key('client', 'miner');
    const { body } = await coordinator.call<{ address: string }>('GET', '/v1/account', undefined, { key });
    return { ...actions(coordinator, key), address: body.address };
  }

  const idle = async (minerId: string) => {
    const headers = { prefer: 'explain' };
    const { body } = await coordinator.call<ClaimedJobs>(
      'POST',
      `/v1/miners/${minerId}/claims`,
      {},
      { headers },
    );
    return body.jobs.length > 0 ? 'got a job' : body.idle?.blocked;
  };

  test('are the only ones that get the job, or never get it', async () => {
    const model = await offered('a1', 'a2');
    const choice = { miners: { only: ['a2', 'a9'], not: ['a9'] } };
    const only = await submit({ model, constraints: choice });
    expect(only).toMatchObject({ constraints: choice, queue: { eligible_miners: 1, reason: null } });
    expect(await idle('a1')).toMatchObject([{ reason: 'choice', jobs: 1, detail: expect.any(String) }]);
    const refused = await coordinator.call('POST', `/v1/jobs/${only.job_id}/claim`, { miner_id: 'a1' });
    expect(refusal(refused)).toEqual([409, 'JOB_INVALID_STATUS']);
    const [claimed] = await claims('a2');
    expect(claimed).toMatchObject({ job_id: only.job_id, constraints: {} });
    expect(await job(only.job_id)).toMatchObject({ constraints: choice, miner_id: 'a2' });
    const not = await submit({ model, constraints: { miners: { not: ['a2'] } } });
    await complete(only.job_id, 'a2');
    expect(await claims('a2')).toEqual([]);
    expect(await claims('a1')).toMatchObject([{ job_id: not.job_id }]);
  });

  test('can be all those of an owner', async () => {
    const owner = await account();
    const model = await offered('b1');
    await owner.register('b2', { capabilities: [model] });
    const only = await submit({ model, constraints: { owners: { only: [owner.address] } } });
    expect(await claims('b1')).toEqual([]);
    expect(await owner.claims('b2')).toMatchObject([{ job_id: only.job_id }]);
    const not = await submit({ model, constraints: { owners: { not: [owner.address] } } });
    expect(await owner.claims('b2')).toEqual([]);
    expect(await claims('b1')).toMatchObject([{ job_id: not.job_id }]);
  });

  test('need not be there: the job waits, and says why', async () => {
    const model = await offered('c1');
    const constraints = { miners: { only: ['c7'] } };
    const { queue } = await submit({ model, constraints });
    const reason = `1 live miner offers the model ${model}, but none is one that constraints.miners and constraints.owners allow.`;
    expect(queue).toMatchObject({ eligible_miners: 0, reason });
    const asked = { model, constraints, prompt: 'Hello', dry_run: true };
    const { body } = await coordinator.call<JobPreview>('POST', '/v1/jobs', asked);
    expect(body.queue.reason).toBe(reason);
    await register('c7', { capabilities: [model] });
    expect(await claims('c7')).toHaveLength(1);
  });

  test.each([
    [{ miners: { only: Array.from({ length: 9 }, (_, at) => `m${at}`) } }, 'OUT_OF_RANGE', 'miners.only'],
    [{ miners: { first: [] } }, 'OUT_OF_RANGE', 'miners.first'],
    [{ miners: { not: ['a b'] } }, 'INVALID_FORMAT', 'miners.not.0'],
    [{ miners: { last: ['m'] } }, 'UNKNOWN_FIELD', 'miners.last'],
    [{ owners: { only: ['alice'] } }, 'INVALID_FORMAT', 'owners.only.0'],
  ])('can not be %j', async (constraints, code, field) => {
    const answer = await coordinator.call('POST', '/v1/jobs', { model: 'm', prompt: 'Hello', constraints });
    expect(refusal(answer)).toEqual([400, `VALIDATION_${code}`, `constraints.${field}`]);
  });

  test('go first while one of them is free, for some seconds', async () => {
    const model = await offered('d1', 'd2');
    const constraints = { miners: { first: ['d2'] } };
    const kept = await submit({ model, constraints });
    expect(await claims('d1')).toEqual([]);
    expect(await claims('d2')).toMatchObject([{ job_id: kept.job_id }]);
    const busy = await submit({ model, constraints });
    expect(await claims('d1')).toMatchObject([{ job_id: busy.job_id }]);
    await complete(kept.job_id, 'd2');
    await complete(busy.job_id, 'd1');
    const late = await submit({ model, constraints });
    await coordinator.pass({ seconds: 6 });
    expect(await claims('d1')).toMatchObject([{ job_id: late.job_id }]);
  });

  test('are woken for it', async () => {
    const model = await offered('e1', 'e2');
    const wait = (id: string) =>
      coordinator.call<ClaimedJobs>('POST', `/v1/miners/${id}/claims`, { wait: 20 });
    const [first, second] = [wait('e1'), wait('e2')];
    const kept = await submit({ model, constraints: { miners: { first: ['e2'] } } });
    expect((await second).body.jobs).toMatchObject([{ job_id: kept.job_id }]);
    const other = await submit({ model, constraints: { miners: { first: ['e2'] } } });
    expect((await first).body.jobs).toMatchObject([{ job_id: other.job_id }]);
  });

  test('are those of the client itself, if it has some, and nobody’s turn is taken for that', async () => {
    const owner = await account();
    const model = await offered('f1');
    await owner.register('f2', { capabilities: [model], concurrency: 1 });
    const own = await owner.submit({ model });
    expect(await claims('f1')).toEqual([]);
    expect(await owner.claims('f2')).toMatchObject([{ job_id: own.job_id }]);
    await owner.complete(own.job_id, 'f2');

    const earlier = await submit({ model });
    await owner.submit({ model });
    expect(await owner.claims('f2')).toMatchObject([{ job_id: earlier.job_id }]);
  });
});

describe('a coordinator without --own-miners-first', () => {
  test('offers an owner’s job to all alike', async () => {
    const coordinator = await startTestCoordinator(ENGINES[0] as Engine, { ownMinersFirst: 'off' });
    try {
      const owner = actions(coordinator, await coordinator.key('client', 'miner'));
      await owner.register('own');
      await actions(coordinator).register('other');
      const { job_id } = await owner.submit();
      expect(await actions(coordinator).claims('other')).toMatchObject([{ job_id }]);
    } finally {
      await coordinator.stop();
    }
  });
});
