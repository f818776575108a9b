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
import { makeGrant } from './harness/scenes.ts';

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

describeEachEngine('a job with several models', engine => {
  const coordinator = withCoordinator(engine, {
    ...{ retryBackoffSeconds: 0, billing: 'prepaid', modelAliases: { quick: 'x-fast' } },
    rates: { 'x-large': 0.5, 'x-fast': 0.02 },
  });
  const { register, claims, complete, fail } = actions(coordinator);
  let rounds = 0;

  /** Three models of this test, their miners by the names of the models, and a client with credits. */
  async function scene() {
    const round = ++rounds;
    const [a = '', b = '', c = ''] = ['a', 'b', 'c'].map(name => `${name}-${round}`);
    const key = await coordinator.key('client');
    const own = await coordinator.call<{ address: string }>('GET', '/v1/account', undefined, { key });
    const grant = { to: own.body.address, amount: 100 };
    await makeGrant(coordinator, await coordinator.key('admin'), grant);
    const offer = (...models: string[]) =>
      Promise.all(models.map(name => register(name, { capabilities: [name] })));
    return { ...{ a, b, c, key, offer }, ...actions(coordinator, key) };
  }

  /** Lets time pass, and what waits for too long fall back. */
  async function pass(seconds: number) {
    await coordinator.pass({ seconds });
    await coordinator.running.modules.submitting.fallBack();
  }

  test('runs on the first one that has a live miner, and says so', async () => {
    const { a, b, c, offer, submit, key } = await scene();
    await offer(b, c);
    const made = await submit({ model: a, models: [a, b, c] });
    expect(made).toMatchObject({ model: b, models: [a, b, c], queue: { eligible_miners: 1 } });
    const [claimed] = await claims(b);
    expect(claimed).toMatchObject({ job_id: made.job_id, model: b });
    expect(await complete(made.job_id, b)).toMatchObject({ model: b });
    const { body } = await coordinator.call<Job>('GET', `/v1/jobs/${made.job_id}`, undefined, { key });
    expect(body).toMatchObject({ status: 'completed', model: b, models: [a, b, c] });
  });

  test('goes on to the next one when it has waited too long, but never round in a circle', async () => {
    const { a, b, c, offer, submit, job } = await scene();
    await offer(a, c);
    const { job_id } = await submit({ model: a, models: [b, c] });
    const modelAfter = async (seconds: number) => {
      await pass(seconds);
      return (await job(job_id)).model;
    };
    expect([await modelAfter(9), await modelAfter(1)]).toEqual([a, c]);
    expect([await modelAfter(10), await modelAfter(10)]).toEqual([c, c]);
    await register(c, { capabilities: ['another'] });
    expect(await modelAfter(10)).toBe(a);
    expect(await claims(a)).toMatchObject([{ job_id, model: a }]);
    expect(await claims(c)).toEqual([]);
  });

  test('waits for the first one while nobody offers any, and is taken by whoever comes', async () => {
    const { a, b, c, offer, submit } = await scene();
    const { job_id, model } = await submit({ model: a, models: [b, c] });
    expect(model).toBe(a);
    await offer(b);
    await pass(10);
    expect(await claims(b)).toMatchObject([{ job_id, model: b }]);
    await complete(job_id, b);
    await pass(10);
  });

  test('has its place among the new jobs of the next model', async () => {
    const { a, b, offer, submit } = await scene();
    await offer(a, b);
    const other = actions(coordinator, (await scene()).key);
    const before = await other.submit({ model: b });
    const { job_id } = await submit({ model: a, models: [b] });
    await pass(10);
    const after = [await other.submit({ model: b }), await other.submit({ model: b })];
    const taken = (await claims(b, 4)).map(claimed => claimed.job_id);
    expect(taken).toEqual([before.job_id, job_id, ...after.map(({ job_id }) => job_id)]);
  });

  test('goes on to the next one when it would fail', async () => {
    const { a, b, offer, submit, job } = await scene();
    await offer(a, b);
    const { job_id } = await submit({ model: a, models: [b], max_attempts: 2 });
    for (const attempt of [1, 2]) {
      expect(await claims(a)).toMatchObject([{ job_id, attempt }]);
      const outcome = await fail(job_id, a);
      expect(outcome).toMatchObject({ status: 'pending', max_attempts: attempt === 1 ? 2 : 4 });
      await coordinator.pass({ seconds: 400 });
    }
    expect(await job(job_id)).toMatchObject({ status: 'pending', model: b, error: null });
    for (const attempt of [3, 4]) {
      expect(await claims(b)).toMatchObject([{ job_id, attempt, model: b }]);
      await fail(job_id, b);
      await coordinator.pass({ seconds: 400 });
    }
    expect(await job(job_id)).toMatchObject({ status: 'failed', error: { error_code: 'MINER_FAILED' } });
  });

  test('is billed by the one that ran, and reserves for the dearest', async () => {
    const { submit, key } = await scene();
    const asked = { prompt: 'Hello', models: ['x-large', 'quick'] };
    await register('x', { capabilities: ['x-fast'] });
    const preview = await coordinator.call<JobPreview>(
      'POST',
      '/v1/jobs',
      { ...asked, dry_run: true },
      { key },
    );
    expect(preview.body).toMatchObject({
      ...{ model: 'x-fast', price: { credits: 0.02 }, cost: { most: 300 } },
      models: [
        { model: 'x-large', price: { credits: 0.5 }, eligible_miners: 0 },
        { model: 'x-fast', price: { credits: 0.02 }, eligible_miners: 1 },
      ],
    });
    const { job_id } = await submit({ ...asked, model: 'x-large' });
    const account = () => coordinator.call('GET', '/v1/account', undefined, { key });
    expect((await account()).body).toMatchObject({ reserved: 30 });
    await claims('x');
    coordinator.moveClock({ seconds: 10 });
    expect(await complete(job_id, 'x')).toMatchObject({ model: 'x-fast', price: 0.2 });
    expect((await account()).body).toMatchObject({ reserved: 0, balance: 99.8 });
  });

  test('is asked for at OpenAI’s routes as at OpenRouter’s', async () => {
    const { a, b, offer, key } = await scene();
    await offer(b);
    const body = { models: [a, b], route: 'fallback', messages: [{ role: 'user', content: 'Hello' }] };
    const answer = coordinator.call('POST', '/v1/chat/completions', body, { key });
    const wait = { wait: 15 };
    const { jobs } = (await coordinator.call<ClaimedJobs>('POST', `/v1/miners/${b}/claims`, wait)).body;
    await complete(jobs[0]?.job_id ?? '', b);
    expect((await answer).body).toMatchObject({ model: b });
    const none = await coordinator.call('POST', '/v1/completions', { prompt: 'Hello' }, { key });
    expect(none).toMatchObject({
      status: 400,
      body: { error: { param: 'model', code: 'missing_required_parameter' } },
    });
  });

  test.each([
    [{ models: Array.from({ length: 9 }, (_, at) => `m${at}`) }, 'OUT_OF_RANGE', 'models'],
    [{ models: [] }, 'OUT_OF_RANGE', 'models'],
    [{ models: ['a b'] }, 'INVALID_MODEL', 'models.0'],
    [{}, 'MISSING_FIELD', 'model'],
    [{ models: ['a', 'b'], replication: 3, params: { temperature: 0, seed: 1 } }, 'INVALID_FORMAT', 'models'],
  ])('can not be %j', async (asked, code, field) => {
    const answer = await coordinator.call('POST', '/v1/jobs', { prompt: 'Hello', ...asked });
    expect(refusal(answer)).toEqual([400, `VALIDATION_${code}`, field]);
  });
});

describeEachEngine('a conversation', engine => {
  const coordinator = withCoordinator(engine);
  const { register, submit, claims, complete } = actions(coordinator);
  const system = { role: 'system' as const, content: 'You answer in rhymes. '.repeat(100) };
  const say = (content: string) => ({ role: 'user' as const, content });
  const answered = { role: 'assistant' as const, content: 'Hello, you!' };
  let rounds = 0;

  /** Two miners of a model, and what one of them has read. */
  async function scene(first = 'Hello') {
    const model = `talk-${++rounds}`;
    const [a, b] = [`${model}-a`, `${model}-b`];
    for (const id of [a, b]) await register(id, { capabilities: [model], concurrency: 1 });
    const begun = await submit({ model, prompt: undefined, messages: [system, say(first)] } as object);
    await claims(b);
    await complete(begun.job_id, b);
    const next = (...messages: object[]) => submit({ model, prompt: undefined, messages } as object);
    return { a, b, model, next };
  }

  test('goes on at the miner that has read it, and so does another with the same system prompt', async () => {
    const { a, b, next } = await scene();
    const turn = await next(system, say('Hello'), answered, say('And now?'));
    expect(await claims(a)).toEqual([]);
    expect(await claims(b)).toMatchObject([{ job_id: turn.job_id }]);
    await complete(turn.job_id, b);
    const other = await next(system, say('Something else'));
    expect(await claims(a)).toEqual([]);
    expect(await claims(b)).toMatchObject([{ job_id: other.job_id }]);
  });

  test('goes elsewhere while that miner is busy, and after some time', async () => {
    const { a, b, next } = await scene();
    const first = await next(system, say('One'));
    await claims(b);
    const second = await next(system, say('Two'));
    expect(await claims(a)).toMatchObject([{ job_id: second.job_id }]);
    await complete(first.job_id, b);
    await complete(second.job_id, a);
    coordinator.moveClock({ seconds: 301 });
    for (const id of [a, b]) await coordinator.call('POST', `/v1/miners/${id}/heartbeat`, {});
    const late = await next(system, say('Three'));
    expect(await claims(b)).toMatchObject([{ job_id: late.job_id }]);
  });

  test('is none of another account’s, and takes nobody’s turn', async () => {
    const { a, b, model, next } = await scene();
    const stranger = actions(coordinator, await coordinator.key('client'));
    const same = await stranger.submit({
      model,
      prompt: undefined,
      messages: [system, say('Hello')],
    } as object);
    expect(await claims(a)).toMatchObject([{ job_id: same.job_id }]);
    const waiting = await stranger.submit({ model });
    await next(system, say('Hello'), answered, say('And now?'));
    expect(await claims(b)).toMatchObject([{ job_id: waiting.job_id }]);
  });

  test('may be a long prompt, by its beginning', async () => {
    const model = `text-${++rounds}`;
    for (const id of ['text-a', 'text-b']) await register(id, { capabilities: [model], concurrency: 1 });
    const text = 'Once upon a time. '.repeat(200);
    const { job_id } = await submit({ model, prompt: `${text}A` });
    await claims('text-b');
    await complete(job_id, 'text-b');
    await submit({ model, prompt: `${text}B` });
    expect(await claims('text-a')).toEqual([]);
    expect(await claims('text-b')).toHaveLength(1);
    await submit({ model, prompt: `Now: ${text}` });
    expect(await claims('text-a')).toHaveLength(1);
  });
});
