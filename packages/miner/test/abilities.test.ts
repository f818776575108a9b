import type { ModelAbilities, RegisterMiner } from '@aitbc/protocol';
import { CoordinatorClient } from '@aitbc/sdk';
import { expect, test } from 'vitest';
import { ABILITY_NAMES, type Backend, type MinerOptions, perModel } from '../src/index.ts';
import { withCoordinator } from './coordinator.ts';
import { engine } from './engine.ts';
import { mine } from './mining.ts';

const coordinator = withCoordinator();

/**
 * Returns an engine with these models and abilities. An error in place of the abilities is what it rejects
 * with.
 */
function telling(told: Record<string, ModelAbilities> | Error, ...models: string[]) {
  const { backend } = engine(...models);
  const made: { told: typeof told; backend: Backend } = {
    told,
    backend: {
      ...backend,
      async abilities() {
        if (made.told instanceof Error) throw made.told;
        return new Map(Object.entries(made.told));
      },
    },
  };
  return made;
}

/** Returns a client that passes each registration through `pass` before it is sent. */
function seeing(pass: (request: RegisterMiner) => RegisterMiner) {
  return new CoordinatorClient(coordinator.url, {
    fetch: async (url, init) => {
      const isRegistration = String(url).endsWith('/v1/miners/register');
      const body = isRegistration ? JSON.stringify(pass(JSON.parse(String(init?.body)))) : init?.body;
      return await fetch(url, { ...init, ...(body && { body }) });
    },
  });
}

/** Starts a miner of this engine and collects the models of each registration. */
async function mineBy(backend: Backend, options: Partial<MinerOptions> = {}) {
  const sent: RegisterMiner['models'][] = [];
  const client = seeing(request => {
    sent.push(request.models);
    return request;
  });
  const miner = await mine({ client, backend, ...options });
  await miner.when('registered');
  return { ...miner, sent };
}

test('the abilities that the engine reports are registered', async () => {
  const told = {
    a: { context_length: 8_192, tools: true, images: false },
    b: { embeddings: true, text: false },
  };
  const { sent } = await mineBy(telling(told, 'a', 'b', 'c').backend);
  expect(sent).toEqual([
    [
      { model: 'a', ...told.a },
      { model: 'b', ...told.b },
    ],
  ]);
});

test('changed abilities are registered again', async () => {
  const one = telling({ a: { context_length: 4_096 } }, 'a');
  const miner = await mineBy(one.backend, { modelRefreshMs: 5 });
  one.told = { a: { context_length: 8_192 } };
  await miner.when('registered', 2);
  expect(miner.sent[1]).toEqual([{ model: 'a', context_length: 8_192 }]);
});

test('the owner’s statement overrides the engine’s, but can not lengthen a context', async () => {
  const told = { a: { context_length: 8_192, tools: true }, b: { context_length: 8_192, tools: true } };
  const { sent } = await mineBy(telling(told, 'a', 'b').backend, {
    abilities: {
      all: { tools: false, context_length: 4_096 },
      byModel: new Map([['b', { context_length: 100_000 }]]),
    },
  });
  expect(sent[0]).toEqual([
    { model: 'a', context_length: 4_096, tools: false },
    { model: 'b', context_length: 8_192, tools: false },
  ]);
});

test('a failed lookup does not delay the registration', async () => {
  const { sent } = await mineBy(telling(new Error('no such route'), 'a').backend);
  expect(sent).toEqual([undefined]);
});

test('models beyond the coordinator’s limit are reported', async () => {
  const names = Array.from({ length: 1_030 }, (_, index) => `m${String(index).padStart(4, '0')}`);
  const { backend } = engine(...names);
  const miner = await mine({
    client: coordinator.client,
    backend: { ...backend, loaded: async () => names },
  });
  const { models, limit } = await miner.when('models_left_out');
  expect({ models, limit }).toEqual({ models: names.slice(1_024), limit: 1_024 });
  const { capabilities } = await coordinator.client.miners.get(miner.minerId);
  expect(capabilities).toHaveLength(1_024);
});

test('an older coordinator gets as many models as it takes', async () => {
  const names = Array.from({ length: 300 }, (_, index) => `m${index}`).sort();
  // The schema rejects this as coordinators before 0.2 rejected 257 models.
  const earlier = seeing(request =>
    request.capabilities.length > 256 ? { ...request, capabilities: [] } : request,
  );
  const miner = await mine({ client: earlier, backend: engine(...names).backend });
  expect(await miner.when('models_left_out')).toMatchObject({ models: names.slice(256), limit: 256 });
  expect((await miner.when('registered')).models).toHaveLength(256);
});

test('owners can state abilities of single models by name', () => {
  expect([...perModel('text,tools nomic-embed-text:v1.5=embeddings a=b=text')]).toEqual([
    { model: undefined, value: 'text,tools' },
    { model: 'nomic-embed-text:v1.5', value: 'embeddings' },
    { model: 'a=b', value: 'text' },
  ]);
  expect(() => [...perModel('=tools')]).toThrow('does not name a model');
  expect(ABILITY_NAMES).toEqual(['text', 'embeddings', 'tools', 'images', 'json_schema']);
});
