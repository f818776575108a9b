import { expect, test } from 'vitest';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';

describeEachEngine('which job comes next', engine => {
  const coordinator = withCoordinator(engine);
  const { submit, register, claims } = actions(coordinator);

  /** The prompts of the next jobs of a model, claimed one by one. */
  async function turns(model: string, count: number): Promise<string[]> {
    const miner = `${model}-miner`;
    await register(miner, { capabilities: [model] });
    const prompts = [];
    for (let turn = 0; turn < count; turn++) prompts.push(...(await claims(miner)).map(job => job.prompt));
    return prompts;
  }

  async function clients(model: string, ...prefixes: string[]) {
    const submits = [];
    for (const prefix of prefixes) {
      const client = actions(coordinator, await coordinator.key('client'));
      submits.push(async (count: number) => {
        for (let index = 0; index < count; index++)
          await client.submit({ model, prompt: `${prefix}${index}` });
      });
    }
    return submits;
  }

  test('of one client, the one that was submitted first', async () => {
    for (const prompt of ['a', 'b', 'c']) await submit({ model: 'fifo', prompt });
    expect(await turns('fifo', 3)).toEqual(['a', 'b', 'c']);
  });

  test('the one of higher priority', async () => {
    for (const priority of [0, 10, -10, 5])
      await submit({ model: 'priority', prompt: `${priority}`, priority });
    expect(await turns('priority', 4)).toEqual(['10', '5', '0', '-10']);
  });

  test("a client's single job does not wait for another's backlog", async () => {
    const [big, small] = await clients('backlog', 'big', 'small');
    await big?.(20);
    await small?.(1);
    expect((await turns('backlog', 3)).slice(0, 2)).toContain('small0');
  });

  test('clients take turns', async () => {
    const [first, second, third] = await clients('turns', 'a', 'b', 'c');
    await first?.(4);
    await second?.(4);
    await third?.(2);
    const order = await turns('turns', 10);
    expect(order.slice(0, 3).sort()).toEqual(['a0', 'b0', 'c0']);
    expect(order.slice(3, 6).sort()).toEqual(['a1', 'b1', 'c1']);
    expect(order.slice(6).sort()).toEqual(['a2', 'a3', 'b2', 'b3']);
  });

  test('a client that was away gets no credit for it', async () => {
    const [busy, away] = await clients('away', 'busy', 'away');
    await busy?.(10);
    await turns('away', 6);
    await away?.(4);
    expect(
      (await turns('away', 4)).filter(prompt => prompt.startsWith('busy')).length,
    ).toBeGreaterThanOrEqual(1);
  });

  test('a miner of several models serves each in turn', async () => {
    for (let index = 0; index < 3; index++) {
      await submit({ model: 'left', prompt: `left${index}` });
      await submit({ model: 'right', prompt: `right${index}` });
    }
    await register('both', { capabilities: ['left', 'right'] });
    const models = [];
    for (let turn = 0; turn < 6; turn++) models.push((await claims('both'))[0]?.model);
    for (const pair of [models.slice(0, 2), models.slice(2, 4), models.slice(4)])
      expect(pair.sort()).toEqual(['left', 'right']);
  });

  test('a job that comes back keeps its place', async () => {
    for (const prompt of ['first', 'second']) await submit({ model: 'back', prompt });
    await register('gives-back', { capabilities: ['back'] });
    const [job] = await claims('gives-back');
    await coordinator.call('POST', `/v1/jobs/${job?.job_id}/release`, { miner_id: 'gives-back' });
    expect(await turns('back', 2)).toEqual(['first', 'second']);
  });
});
