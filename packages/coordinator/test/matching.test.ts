import type { MinerDetail } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';

const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } } as const;
const weather = { type: 'function', function: { name: 'weather' } } as const;
const person = { type: 'json_schema', json_schema: { name: 'person', schema: {} } } as const;
const asks = (more: object = {}) => ({
  prompt: undefined,
  messages: [{ role: 'user' as const, content: 'Hello' }],
  ...more,
});

describeEachEngine('matching by what models can do', engine => {
  const coordinator = withCoordinator(engine);
  const { submit, job, register, claims, claim } = actions(coordinator);

  test.each([
    ['embeddings', { prompt: undefined, input: ['Hello'] }, 'none embeds texts'],
    ['text', {}, 'none writes texts'],
    ['tools', asks({ tools: [weather] }), 'none calls tools'],
    ['images', asks({ messages: [{ role: 'user', content: [image] }] }), 'none takes images'],
    ['json_schema', asks({ response_format: person }), 'none holds answers to a JSON schema'],
  ])('a job that needs %s waits for a miner that has it, and says why', async (need, request, reason) => {
    const model = `needs-${need}`;
    await register(`lacks-${need}`, { capabilities: [model], models: [{ model, [need]: false }] });
    const { job_id, queue } = await submit({ ...request, model });
    expect(queue).toMatchObject({ eligible_miners: 0, reason: expect.stringContaining(reason) });
    expect(await claims(`lacks-${need}`)).toEqual([]);
    await expect(claim(job_id, `lacks-${need}`)).rejects.toThrow("can't run the job");
    // What an engine does not tell counts as able.
    await register(`silent-${need}`, { capabilities: [model] });
    expect((await job(job_id)).queue).toMatchObject({ eligible_miners: 1, reason: null });
    expect(await claims(`silent-${need}`)).toMatchObject([{ job_id }]);
  });

  test('tools that the model is not to call need none, and an answer of any JSON needs no schema', async () => {
    const model = 'plain';
    await register('plain', { capabilities: [model], models: [{ model, tools: false, json_schema: false }] });
    await submit({ ...asks({ tools: [weather], tool_choice: 'none' }), model });
    await submit({ ...asks({ response_format: { type: 'json_object' } }), model });
    expect(await claims('plain', 5)).toHaveLength(2);
  });

  test('a job goes only where its model takes min_context, and shows it', async () => {
    const model = 'long';
    const models = (context_length: number) => [{ model, context_length }];
    await register('short', { capabilities: [model], models: models(4_096) });
    const { job_id, queue, constraints } = await submit({ model, constraints: { min_context: 5_000 } });
    expect(constraints).toEqual({ min_context: 5_000 });
    expect(queue?.reason).toBe('1 live miner offers the model long, but none with a context of 5000 tokens.');
    expect(await claims('short')).toEqual([]);
    const { body } = await coordinator.call<MinerDetail>('GET', '/v1/miners/short');
    expect(body.workload.blocked[0]?.reason).toMatch(/needs a context of 5000 tokens.*has 4096/);
    expect(body.models[0]).toMatchObject({ model, context_length: 4_096 });
    await register('short', { capabilities: [model], models: models(8_192) });
    expect(await claims('short')).toMatchObject([{ job_id, constraints: { min_context: 5_000 } }]);
  });

  test('a prompt that no tokenizer fits into a context goes elsewhere, and one that any could is not judged', async () => {
    const model = 'prompts';
    await register('tiny', { capabilities: [model], models: [{ model, context_length: 2_000 }] });
    const fits = await submit({ model, prompt: 'x'.repeat(200_000) });
    const never = await submit({ model, prompt: 'x'.repeat(262_144) });
    expect(never.queue).toMatchObject({ eligible_miners: 0 });
    expect(await claims('tiny', 5)).toMatchObject([{ job_id: fits.job_id }]);
  });

  test('a reason names only what all miners lack, or all of it where each lacks something else', async () => {
    const model = 'mixed';
    await register('eyes', { capabilities: [model], models: [{ model, tools: false }] });
    await register('hands', { capabilities: [model], models: [{ model, images: false }] });
    const both = asks({ messages: [{ role: 'user', content: [image] }], tools: [weather] });
    expect((await submit({ ...both, model })).queue?.reason).toBe(
      '2 live miners offer the model mixed, but none takes images and writes texts and calls tools.',
    );
    const far = await submit({ ...both, model, constraints: { region: 'moon' } });
    expect(far.queue?.reason).toBe('2 live miners offer the model mixed, but none with region moon.');
  });
});
