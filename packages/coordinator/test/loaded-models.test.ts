import type { MinerDetail } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { refusal } from './harness/answers.ts';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';

const PREFERENCE = 10;

describeEachEngine('models in memory', engine => {
  const coordinator = withCoordinator(engine, { preferLoadedSeconds: PREFERENCE });
  const { submit, register, claims, available } = actions(coordinator);

  const beat = (minerId: string, loaded: unknown) =>
    coordinator.call('POST', `/v1/miners/${minerId}/heartbeat`, { loaded });
  const miner = async (id: string) => (await coordinator.call<MinerDetail>('GET', `/v1/miners/${id}`)).body;

  /** A miner of a model that is in its memory and of another, which has to be loaded. */
  async function minerOf(warm: string, cold: string): Promise<string> {
    const id = `${warm}-${cold}`;
    await register(id, { capabilities: [cold, warm] });
    await beat(id, [warm]);
    return id;
  }

  /** The models of the jobs that a miner gets, one each second. */
  async function turns(minerId: string, count: number): Promise<string[]> {
    const models = [];
    for (let turn = 0; turn < count; turn++) {
      models.push(...(await claims(minerId)).map(job => job.model));
      coordinator.moveClock({ seconds: 1 });
    }
    return models;
  }

  test('a job for one goes before an older one for a model that has to be loaded', async () => {
    const id = await minerOf('warm', 'cold');
    await submit({ model: 'cold' });
    await submit({ model: 'warm' });
    expect(await turns(id, 2)).toEqual(['warm', 'cold']);
  });

  test('so it is with offers', async () => {
    const id = await minerOf('offered-warm', 'offered-cold');
    await submit({ model: 'offered-cold' });
    await submit({ model: 'offered-warm' });
    expect(await available(id)).toMatchObject({ model: 'offered-warm' });
  });

  test('other jobs are passed over for no longer than the preference lasts', async () => {
    const id = await minerOf('busy', 'patient');
    for (let count = 0; count < 30; count++) await submit({ model: 'busy' });
    for (let count = 0; count < 3; count++) await submit({ model: 'patient' });
    const order = await turns(id, 33);
    const turnsOfPatient = order.flatMap((model, turn) => (model === 'patient' ? [turn] : []));
    expect(turnsOfPatient).toEqual([PREFERENCE, 2 * PREFERENCE, 3 * PREFERENCE]);
  });

  test('priority stands above it', async () => {
    const id = await minerOf('calm', 'urgent');
    await submit({ model: 'calm' });
    await submit({ model: 'urgent', priority: 1 });
    expect(await turns(id, 2)).toEqual(['urgent', 'calm']);
  });

  test('within a model the fair order stays', async () => {
    const id = await minerOf('fair', 'unfair');
    await submit({ model: 'unfair', prompt: 'first', constraints: { max_price: 1 } });
    await submit({ model: 'unfair', prompt: 'second' });
    const prompts = [...(await claims(id)), ...(await claims(id))].map(job => job.prompt);
    expect(prompts).toEqual(['first', 'second']);
  });

  test('a miner that does not say gets each model in turn', async () => {
    await register('silent', { capabilities: ['silent-a', 'silent-b'] });
    for (const model of ['silent-a', 'silent-b', 'silent-a', 'silent-b']) await submit({ model });
    expect((await turns('silent', 4)).sort()).toEqual(['silent-a', 'silent-a', 'silent-b', 'silent-b']);
    expect((await miner('silent')).models).toMatchObject([
      { model: 'silent-a', loaded: null },
      { model: 'silent-b', loaded: null },
    ]);
  });

  test('of the miners that wait, one that has the model in memory is woken', async () => {
    const { scheduling: waits } = coordinator.running.modules;
    const woken: string[] = [];
    const waiting = ['first-but-cold', 'warm'].map(async name => {
      const abilities = {
        capabilities: new Set(['woken']),
        region: null,
        vram_gb: null,
        loaded: new Set(name === 'warm' ? ['woken'] : []),
        suspended: false,
        ...{ id: 'waits', owner: null, passports: new Map() },
      };
      const waitingMiner = { abilities, score: 1, since: performance.now() };
      await waits.forWork(waitingMiner, 10_000, new AbortController().signal);
      woken.push(name);
    });
    await submit({ model: 'woken' });
    await Promise.race(waiting);
    expect(woken).toEqual(['warm']);
    await submit({ model: 'woken' });
    await Promise.all(waiting);
  });

  test('everyone sees which they are, as the last heartbeat said', async () => {
    const id = await minerOf('seen', 'unseen');
    expect((await miner(id)).models).toMatchObject([
      { model: 'unseen', loaded: false },
      { model: 'seen', loaded: true },
    ]);
    await beat(id, ['unseen', 'none-of-its-models']);
    expect((await miner(id)).models).toMatchObject([
      { model: 'unseen', loaded: true },
      { model: 'seen', loaded: false },
    ]);
    await beat(id, undefined);
    expect((await miner(id)).models).toMatchObject([{ loaded: true }, { loaded: false }]);
  });

  test.each([
    ['no list', 'warm', 'VALIDATION_INVALID_TYPE', 'loaded'],
    ['a list of other things', [7], 'VALIDATION_INVALID_TYPE', 'loaded.0'],
  ])('%s of them is refused', async (_what, loaded, code, field) => {
    await register('wrong');
    expect(refusal(await beat('wrong', loaded))).toEqual([400, code, field]);
  });
});
