import type { Job, JobPreview, OfferedModel, OfferedModels } from '@aitbc/protocol';
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
