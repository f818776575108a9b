import type { Receipt } from '@aitbc/protocol';
import { beforeAll, describe, expect, test } from 'vitest';
import { refusal } from './harness/answers.ts';
import { actions, type TestCoordinator, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';
import { makeKey, revoke } from './harness/keys.ts';
import { readReference, routesOf } from './harness/reference.ts';

const CALLERS = [
  'nobody',
  'a wrong key',
  'a revoked key',
  'an expired key',
  'the client',
  'another client',
  'the miner’s owner',
  'another miner’s owner',
  'an administrator',
] as const;
type Caller = (typeof CALLERS)[number];

type Access = Record<Caller, 'passes' | [status: number, code: string]>;

const checked = {
  'a wrong key': [401, 'AUTH_INVALID_KEY'],
  'a revoked key': [401, 'AUTH_INVALID_KEY'],
  'an expired key': [401, 'AUTH_EXPIRED_KEY'],
} satisfies Partial<Access>;

const unguarded = Object.fromEntries(CALLERS.map(caller => [caller, 'passes'])) as Access;
const everyone: Access = { ...unguarded, ...checked };
const keyed: Access = { ...everyone, nobody: [401, 'AUTH_MISSING_KEY'] };
const clients: Access = {
  ...keyed,
  'the miner’s owner': [403, 'AUTH_INSUFFICIENT_SCOPE'],
  'another miner’s owner': [403, 'AUTH_INSUFFICIENT_SCOPE'],
};
const ownerOfJob: Access = { ...clients, 'another client': [404, 'JOB_NOT_FOUND'] };
const miners: Access = {
  ...keyed,
  'the client': [403, 'AUTH_INSUFFICIENT_SCOPE'],
  'another client': [403, 'AUTH_INSUFFICIENT_SCOPE'],
};
const ownerOfMiner: Access = { ...miners, 'another miner’s owner': [404, 'MINER_NOT_FOUND'] };
const registrant: Access = {
  ...miners,
  'another miner’s owner': [409, 'MINER_ALREADY_REGISTERED'],
  'an administrator': [409, 'MINER_ALREADY_REGISTERED'],
};

/** A job of the client's, and a miner that can run it, or does, or did. */
interface Scene {
  jobs: string;
  miners: string;
  receipts: string;
  model: string;
}

interface Route {
  access: Access;
  job?: 'running' | 'completed';
  query?: (scene: Scene) => string;
  body?: (scene: Scene) => object;
}

const asMiner = ({ miners }: Scene) => ({ miner_id: miners });
const newJob = ({ model }: Scene) => ({ prompt: 'Hello', model });

const ROUTES: Record<string, Route> = {
  'GET /health': { access: unguarded },
  'GET /health/ready': { access: unguarded },
  'GET /v1/stats': { access: everyone },
  'GET /v1/keys': { access: everyone },
  'GET /v1/receipts': { access: everyone },
  'GET /v1/receipts/{id}': { access: everyone, job: 'completed' },
  'GET /v1/miners': { access: everyone },
  'GET /v1/miners/{id}': { access: everyone },
  'GET /explorer/stats': { access: everyone },
  'GET /explorer/blocks': { access: everyone },
  'GET /explorer/transactions': { access: everyone },
  'GET /explorer/receipts': { access: everyone },
  'GET /v1/jobs': { access: clients },
  'POST /v1/jobs': { access: clients, body: newJob },
  'POST /v1/jobs/batch': { access: clients, body: scene => ({ jobs: [newJob(scene)] }) },
  'GET /v1/jobs/{id}': { access: ownerOfJob },
  'GET /v1/jobs/{id}/receipt': { access: ownerOfJob, job: 'completed' },
  'POST /v1/jobs/{id}/cancel': { access: ownerOfJob },
  'POST /v1/miners/register': {
    access: registrant,
    body: scene => ({ ...asMiner(scene), capabilities: [scene.model] }),
  },
  'POST /v1/miners/{id}/heartbeat': { access: ownerOfMiner, job: 'running' },
  'POST /v1/miners/{id}/claims': { access: ownerOfMiner },
  'POST /v1/miners/{id}/drain': { access: ownerOfMiner },
  'DELETE /v1/miners/{id}': { access: ownerOfMiner, job: 'running' },
  'GET /v1/jobs/available': { access: ownerOfMiner, query: scene => `?miner_id=${scene.miners}` },
  'POST /v1/jobs/{id}/claim': { access: ownerOfMiner, body: asMiner },
  'POST /v1/jobs/{id}/release': { access: ownerOfMiner, job: 'running', body: asMiner },
  'POST /v1/jobs/{id}/complete': {
    access: ownerOfMiner,
    job: 'running',
    body: scene => ({ ...asMiner(scene), result: 'Hello, you!' }),
  },
  'POST /v1/jobs/{id}/fail': {
    access: ownerOfMiner,
    job: 'running',
    body: scene => ({ ...asMiner(scene), error: 'Out of memory' }),
  },
};

/** A key for each kind of caller; nobody has none. */
async function makeKeys(coordinator: TestCoordinator): Promise<Record<Caller, string | undefined>> {
  const revoked = await makeKey(coordinator, ['client', 'miner', 'admin']);
  await revoke(coordinator, revoked.id);
  const expired = await makeKey(coordinator, ['client', 'miner', 'admin'], coordinator.now());
  return {
    nobody: undefined,
    'a wrong key': `${revoked.key}x`,
    'a revoked key': revoked.key,
    'an expired key': expired.key,
    'the client': await coordinator.key('client'),
    'another client': await coordinator.key('client'),
    'the miner’s owner': await coordinator.key('miner'),
    'another miner’s owner': await coordinator.key('miner'),
    'an administrator': await coordinator.key('admin'),
  };
}

const withKey = (key: string | undefined) => (key === undefined ? {} : { key });

describeEachEngine('a coordinator that demands keys', engine => {
  const coordinator = withCoordinator(engine, { mode: 'keyed' });
  let keys: Record<Caller, string | undefined>;
  let scenes = 0;
  beforeAll(async () => {
    keys = await makeKeys(coordinator);
  });

  async function prepare({ job }: Route): Promise<Scene> {
    const client = actions(coordinator, keys['the client']);
    const owner = actions(coordinator, keys['the miner’s owner']);
    const name = `scene-${++scenes}`;
    await owner.register(name, { capabilities: [name] });
    const { job_id } = await client.submit({ model: name });
    if (job) await owner.claim(job_id, name);
    const receipt = job === 'completed' ? await owner.complete(job_id, name) : undefined;
    return { jobs: job_id, miners: name, receipts: receipt?.receipt_id ?? '', model: name };
  }

  async function request(name: string, route: Route, scene: Scene, caller: Caller) {
    const [method = '', template = ''] = name.split(' ');
    const noun = template.split('/')[2] as keyof Scene;
    const path = template.replace('{id}', scene[noun]) + (route.query?.(scene) ?? '');
    return await coordinator.call(method, path, route.body?.(scene), withKey(keys[caller]));
  }

  /** All that a request to any of the routes could change, as an administrator sees it. */
  async function state(scene: Scene) {
    const paths = [
      `/v1/jobs/${scene.jobs}`,
      `/v1/miners/${scene.miners}`,
      '/v1/stats',
      '/v1/receipts?limit=1',
    ];
    const key = keys['an administrator'];
    return await Promise.all(
      paths.map(async path => (await coordinator.call('GET', path, undefined, withKey(key))).body),
    );
  }

  test('has an expectation here for each of its routes', async () => {
    expect(Object.keys(ROUTES).sort()).toEqual([...routesOf(await readReference(coordinator)).keys()].sort());
  });

  describe.each(Object.entries(ROUTES))('%s', (name, route) => {
    const passing = CALLERS.filter(caller => route.access[caller] === 'passes');
    const refused = CALLERS.filter(caller => route.access[caller] !== 'passes');
    const declared = async () =>
      Object.keys(routesOf(await readReference(coordinator)).get(name)?.responses ?? {});

    test.each(passing)('serves %s', async caller => {
      const { status } = await request(name, route, await prepare(route), caller);
      expect((await declared()).filter(code => code < '300')).toContain(String(status));
    });

    if (refused.length > 0)
      test.each(refused)('refuses %s, and changes nothing', async caller => {
        const scene = await prepare(route);
        // So that a sign of life would be noted.
        coordinator.moveClock({ seconds: 10 });
        const before = await state(scene);
        const answer = await request(name, route, scene, caller);
        expect(refusal(answer).slice(0, 2)).toEqual(route.access[caller]);
        expect(await declared()).toContain(String(answer.status));
        expect(await state(scene)).toEqual(before);
      });
  });

  test('says nothing about a body before the key is right', async () => {
    for (const path of ['/v1/jobs', '/v1/jobs/batch', '/v1/miners/register', '/v1/jobs/any/claim']) {
      expect((await coordinator.call('POST', path, '{"prompt"')).status).toBe(401);
    }
  });
});

describeEachEngine('an open coordinator', engine => {
  const coordinator = withCoordinator(engine, { mode: 'open' });

  test('serves clients and miners without a key', async () => {
    const { submit, register, claims, complete } = actions(coordinator);
    await register('keyless');
    const { job_id } = await submit();
    await claims('keyless');
    const receipt: Receipt = await complete(job_id, 'keyless');
    expect(receipt.job_id).toBe(job_id);
  });

  test.each(Object.entries(ROUTES).filter(([, { access }]) => access !== unguarded))(
    'refuses a wrong key all the same: %s',
    async name => {
      const [method = '', path = ''] = name.split(' ');
      const answer = await coordinator.call(method, path.replace('{id}', 'any'), undefined, { key: 'wrong' });
      expect(refusal(answer)).toEqual([401, 'AUTH_INVALID_KEY']);
    },
  );

  test('keeps the miners of a key from those who have none', async () => {
    const { key } = await makeKey(coordinator, ['miner']);
    await actions(coordinator, key).register('keyed');
    const answers = [
      await coordinator.call('DELETE', '/v1/miners/keyed'),
      await coordinator.call('POST', '/v1/miners/keyed/claims'),
    ];
    expect(answers.map(refusal)).toEqual(Array(2).fill([404, 'MINER_NOT_FOUND']));
  });
});
