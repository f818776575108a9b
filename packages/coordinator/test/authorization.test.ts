import type { Receipt } from '@aitbc/protocol';
import { beforeAll, describe, expect, test } from 'vitest';
import { refusal } from './harness/answers.ts';
import { actions, type TestCoordinator, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine, describeOneEngine } from './harness/engines.ts';
import { makeKey, revoke } from './harness/keys.ts';
import { type Operation, readReference, routesOf } from './harness/reference.ts';
import { prepareScene, requestRoute, requestServed, type Scene } from './harness/scenes.ts';

const CALLERS = [
  'nobody',
  'a wrong key',
  'a revoked key',
  'an expired key',
  'the client',
  'another client',
  'the miner’s owner',
  'another miner’s owner',
  'a manager of keys',
  'another manager of keys',
  'a scraper of metrics',
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
const scopeless = { 'a scraper of metrics': [403, 'AUTH_INSUFFICIENT_SCOPE'] } satisfies Partial<Access>;
const clients: Access = {
  ...keyed,
  ...scopeless,
  'the miner’s owner': [403, 'AUTH_INSUFFICIENT_SCOPE'],
  'another miner’s owner': [403, 'AUTH_INSUFFICIENT_SCOPE'],
  'a manager of keys': [403, 'AUTH_INSUFFICIENT_SCOPE'],
  'another manager of keys': [403, 'AUTH_INSUFFICIENT_SCOPE'],
};
const administrators: Access = {
  ...clients,
  'the client': [403, 'AUTH_INSUFFICIENT_SCOPE'],
  'another client': [403, 'AUTH_INSUFFICIENT_SCOPE'],
};
const scrapers: Access = { ...administrators, 'a scraper of metrics': 'passes' };
const ownerOfJob: Access = { ...clients, 'another client': [404, 'JOB_NOT_FOUND'] };
/** The same, in the words of OpenAI's API. */
const openAiClients: Access = {
  ...unguarded,
  nobody: [401, 'invalid_api_key'],
  'a wrong key': [401, 'invalid_api_key'],
  'a revoked key': [401, 'invalid_api_key'],
  'an expired key': [401, 'invalid_api_key'],
  'the miner’s owner': [403, 'insufficient_permissions'],
  'another miner’s owner': [403, 'insufficient_permissions'],
  'a manager of keys': [403, 'insufficient_permissions'],
  'another manager of keys': [403, 'insufficient_permissions'],
  'a scraper of metrics': [403, 'insufficient_permissions'],
};
const ownerOfFile: Access = { ...openAiClients, 'another client': [404, 'file_not_found'] };
const ownerOfBatch: Access = { ...openAiClients, 'another client': [404, 'batch_not_found'] };
const ownerOfWebhook: Access = {
  ...clients,
  'another client': [404, 'WEBHOOK_NOT_FOUND'],
  'an administrator': [404, 'WEBHOOK_NOT_FOUND'],
};
const miners: Access = {
  ...keyed,
  ...scopeless,
  'the client': [403, 'AUTH_INSUFFICIENT_SCOPE'],
  'another client': [403, 'AUTH_INSUFFICIENT_SCOPE'],
  'a manager of keys': [403, 'AUTH_INSUFFICIENT_SCOPE'],
  'another manager of keys': [403, 'AUTH_INSUFFICIENT_SCOPE'],
};
const ownerOfMiner: Access = { ...miners, 'another miner’s owner': [404, 'MINER_NOT_FOUND'] };
const registrant: Access = {
  ...miners,
  'another miner’s owner': [409, 'MINER_ALREADY_REGISTERED'],
  'an administrator': [409, 'MINER_ALREADY_REGISTERED'],
};

/** The owner of the verifier that holds the answer. */
const holder: Access = {
  ...miners,
  'another miner’s owner': [409, 'VERIFICATION_NOT_LEASED'],
  'an administrator': [409, 'VERIFICATION_NOT_LEASED'],
};
const appellant: Access = { ...miners, 'another miner’s owner': [409, 'VERIFICATION_NOT_APPEALABLE'] };
/** The client of the job and the owner of the miner. */
const concerned: Access = {
  ...keyed,
  'another client': [404, 'VERIFICATION_NOT_FOUND'],
  'another miner’s owner': [404, 'VERIFICATION_NOT_FOUND'],
  'a manager of keys': [404, 'VERIFICATION_NOT_FOUND'],
  'another manager of keys': [404, 'VERIFICATION_NOT_FOUND'],
  'a scraper of metrics': [404, 'VERIFICATION_NOT_FOUND'],
};

/** The owner of the miner that was paid. Whoever has its signature needs no key. */
const provider: Access = {
  ...administrators,
  'an administrator': [403, 'AUTH_INSUFFICIENT_SCOPE'],
  'the miner’s owner': 'passes',
};

const managers: Access = {
  ...clients,
  'the client': [403, 'AUTH_INSUFFICIENT_SCOPE'],
  'another client': [403, 'AUTH_INSUFFICIENT_SCOPE'],
  'a manager of keys': 'passes',
  'another manager of keys': 'passes',
};
const managerOfKey: Access = { ...managers, 'another manager of keys': [404, 'API_KEY_NOT_FOUND'] };

/** The scope without which a key is turned away; none where keys of all scopes have access. */
function scopesFor(access: Access): string[] {
  const lacksScope = (caller: Caller) => access[caller][0] === 403;
  const [client, miner] = [lacksScope('the client'), lacksScope('the miner’s owner')];
  if (client && miner && !lacksScope('a manager of keys')) return ['keys'];
  if (client && !lacksScope('a scraper of metrics')) return ['metrics'];
  if (client && miner) return ['admin'];
  if (client) return ['miner'];
  return miner ? ['client'] : [];
}

/** What each route asks of its callers: one that is not here fails. */
const ACCESS: Record<string, Access> = {
  'GET /health': unguarded,
  'GET /health/ready': unguarded,
  'GET /metrics': scrapers,
  'GET /v1/stats': everyone,
  'GET /v1/keys': everyone,
  'GET /v1/receipts': everyone,
  'GET /v1/receipts/{id}': everyone,
  'GET /v1/receipts/{id}/proof': everyone,
  'GET /v1/grants': everyone,
  'GET /v1/grants/{id}': everyone,
  'GET /v1/grants/{id}/proof': everyone,
  'POST /v1/grants': administrators,
  'GET /v1/payouts': everyone,
  'GET /v1/payouts/{id}': everyone,
  'GET /v1/payouts/{id}/proof': everyone,
  'POST /v1/payouts': administrators,
  'POST /v1/payouts/{id}/confirm': provider,
  'POST /v1/payouts/{id}/dispute': provider,
  'POST /v1/payouts/{id}/withdraw': administrators,
  'POST /v1/verifications/claim': miners,
  'POST /v1/verifications/{id}/scores': holder,
  'POST /v1/verifications/{id}/fail': holder,
  'POST /v1/verifications/{id}/appeal': appellant,
  'GET /v1/verifications/{id}/scores': concerned,
  'GET /v1/verifications': everyone,
  'GET /v1/verifications/{id}': everyone,
  'GET /v1/verifications/{id}/proof': everyone,
  'GET /v1/evidence': everyone,
  'GET /v1/draws': everyone,
  'GET /v1/accounts/{address}': administrators,
  'GET /ledger/checkpoint': everyone,
  'GET /ledger/vkey': everyone,
  'GET /ledger/policy': everyone,
  'GET /ledger/consistency': everyone,
  'GET /ledger/tile/{level}/{*}': everyone,
  'GET /v1/miners': everyone,
  'GET /v1/miners/{id}': everyone,
  'GET /explorer/stats': everyone,
  'GET /explorer/models': everyone,
  'GET /explorer/overview': everyone,
  'GET /explorer/live': everyone,
  'GET /explorer/blocks': everyone,
  'GET /explorer/blocks/{id}': everyone,
  'GET /explorer/transactions': everyone,
  'GET /explorer/transactions/{hash}': everyone,
  'GET /explorer/addresses/{address}': everyone,
  'GET /explorer/addresses/{address}/days': everyone,
  'GET /explorer/miners/{id}/days': everyone,
  'GET /explorer/search': everyone,
  'GET /explorer/receipts': everyone,
  'POST /v1/api-keys': managers,
  'GET /v1/api-keys': managers,
  'GET /v1/api-keys/current': keyed,
  'GET /v1/api-keys/{id}': managerOfKey,
  'PATCH /v1/api-keys/{id}': managerOfKey,
  'POST /v1/api-keys/{id}/rotate': managerOfKey,
  'DELETE /v1/api-keys/{id}': managerOfKey,
  'GET /v1/audit-log': administrators,
  'POST /v1/notices': administrators,
  'GET /v1/notices': administrators,
  'DELETE /v1/notices/{id}': administrators,
  'POST /v1/invitations': administrators,
  'GET /v1/invitations': administrators,
  'GET /v1/invitations/{id}': administrators,
  'DELETE /v1/invitations/{id}': administrators,
  'POST /v1/invitations/redeem': everyone,
  'GET /v1/usage': keyed,
  'GET /v1/earnings': keyed,
  'GET /v1/account': keyed,
  'GET /v1/jobs': clients,
  'POST /v1/jobs': clients,
  'POST /v1/jobs/batch': clients,
  'GET /v1/jobs/{id}': ownerOfJob,
  'GET /v1/jobs/{id}/receipt': ownerOfJob,
  'GET /v1/jobs/{id}/events': ownerOfJob,
  'POST /v1/jobs/{id}/cancel': ownerOfJob,
  'GET /v1/models': openAiClients,
  'GET /v1/models/{*}': openAiClients,
  'POST /v1/chat/completions': openAiClients,
  'POST /v1/completions': openAiClients,
  'POST /v1/embeddings': openAiClients,
  'POST /v1/files': openAiClients,
  'GET /v1/files': openAiClients,
  'GET /v1/files/{id}': ownerOfFile,
  'DELETE /v1/files/{id}': ownerOfFile,
  'GET /v1/files/{id}/content': ownerOfFile,
  'POST /v1/batches': { ...ownerOfFile, 'an administrator': [404, 'file_not_found'] },
  'GET /v1/batches': openAiClients,
  'GET /v1/batches/{id}': ownerOfBatch,
  'POST /v1/batches/{id}/cancel': ownerOfBatch,
  'POST /v1/webhooks': clients,
  'GET /v1/webhooks': clients,
  'GET /v1/webhooks/key': everyone,
  'GET /v1/webhooks/secret': clients,
  'POST /v1/webhooks/secret/rotate': clients,
  'GET /v1/webhooks/{id}': ownerOfWebhook,
  'PATCH /v1/webhooks/{id}': ownerOfWebhook,
  'DELETE /v1/webhooks/{id}': ownerOfWebhook,
  'POST /v1/webhooks/{id}/rotate-secret': ownerOfWebhook,
  'POST /v1/webhooks/{id}/test': ownerOfWebhook,
  'GET /v1/webhooks/{id}/deliveries': ownerOfWebhook,
  'POST /v1/webhooks/{id}/deliveries/{delivery}/redeliver': ownerOfWebhook,
  'POST /v1/webhooks/{id}/redeliver': ownerOfWebhook,
  'POST /v1/miners/register': registrant,
  'POST /v1/miners/{id}/heartbeat': ownerOfMiner,
  'POST /v1/miners/{id}/claims': ownerOfMiner,
  'POST /v1/miners/{id}/chunks': ownerOfMiner,
  'POST /v1/miners/{id}/drain': ownerOfMiner,
  'POST /v1/miners/{id}/resume': ownerOfMiner,
  'GET /v1/account/miners': miners,
  // Before the next one, which gives the owner's miners their jobs again.
  'POST /v1/miners/{id}/suspend': administrators,
  'POST /v1/miners/{id}/reinstate': administrators,
  'GET /v1/operator/problems': administrators,
  'GET /v1/operator/configuration': administrators,
  'DELETE /v1/miners/{id}': ownerOfMiner,
  'GET /v1/jobs/available': ownerOfMiner,
  'POST /v1/jobs/{id}/claim': ownerOfMiner,
  'POST /v1/jobs/{id}/release': ownerOfMiner,
  'POST /v1/jobs/{id}/chunks': ownerOfMiner,
  'POST /v1/jobs/{id}/complete': ownerOfMiner,
  'POST /v1/jobs/{id}/fail': ownerOfMiner,
};

/** A route for each kind of access: who has which is decided above the store, and the rest is asked of one engine. */
const ONE_OF_EACH = [...new Map(Object.entries(ACCESS).map(entry => [entry[1], entry])).values()];

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
    'a manager of keys': await coordinator.key('keys'),
    'another manager of keys': await coordinator.key('keys'),
    'a scraper of metrics': await coordinator.key('metrics'),
    'an administrator': await coordinator.key('admin'),
  };
}

const withKey = (key: string | undefined) => (key === undefined ? {} : { key });

describeEachEngine('a coordinator that demands keys', engine => {
  const coordinator = withCoordinator(engine, { mode: 'keyed' });
  let keys: Record<Caller, string | undefined>;
  let described: Map<string, Operation>;
  beforeAll(async () => {
    keys = await makeKeys(coordinator);
    described = routesOf(await readReference(coordinator));
  });

  const prepare = (route: string) =>
    prepareScene(coordinator, route, {
      client: keys['the client'],
      miner: keys['the miner’s owner'],
      manager: keys['a manager of keys'],
    });
  const request = (route: string, scene: Scene, caller: Caller) =>
    requestRoute(coordinator, route, scene, withKey(keys[caller]));

  /** All that a request to any of the routes could change, as an administrator sees it. */
  async function state(scene: Scene) {
    const paths = [
      `/v1/jobs/${scene.jobs}`,
      `/v1/miners/${scene.miners}`,
      '/v1/stats',
      '/v1/receipts?limit=1',
      '/v1/grants?limit=1',
      '/v1/payouts?limit=1',
      '/v1/verifications?limit=1',
      `/v1/files/${scene.files}`,
      `/v1/batches/${scene.batches}`,
      '/v1/api-keys?limit=1',
      `/v1/api-keys/${scene['api-keys']}`,
      '/v1/audit-log?limit=1',
      '/v1/invitations?limit=1',
      '/v1/notices',
    ];
    const key = keys['an administrator'];
    const webhook = `/v1/webhooks/${scene.webhooks}`;
    const own = scene.webhooks === '' ? [] : [webhook, `${webhook}/deliveries`];
    const reads = [
      ...paths.map(path => ({ path, key })),
      ...own.map(path => ({ path, key: keys['the client'] })),
    ];
    return await Promise.all(
      reads.map(async ({ path, key }) => (await coordinator.call('GET', path, undefined, withKey(key))).body),
    );
  }

  test('has an expectation here for each of its routes', () => {
    expect(Object.keys(ACCESS).sort()).toEqual([...described.keys()].sort());
  });

  describe.each(engine.name === 'sqlite' ? Object.entries(ACCESS) : ONE_OF_EACH)('%s', (route, access) => {
    const passing = CALLERS.filter(caller => access[caller] === 'passes');
    const refused = CALLERS.filter(caller => access[caller] !== 'passes');

    test(`serves ${passing.join(', ')}`, async () => {
      let scene = await prepare(route);
      for (const caller of passing) {
        const options = { ...withKey(keys[caller]), minerKey: keys['the miner’s owner'] };
        const { status } = await requestServed(coordinator, route, scene, options);
        expect([200, 201, 202, 204], caller).toContain(status);
        if (!route.startsWith('GET')) scene = await prepare(route);
      }
    });

    // Reading changes nothing anyway, but for miners, who show that they are alive by it.
    const mayChange = !route.startsWith('GET') || access === ownerOfMiner;
    if (refused.length > 0)
      test(`refuses ${refused.join(', ')}, and changes nothing`, async () => {
        const scene = await prepare(route);
        // So that a sign of life would be noted.
        coordinator.moveClock({ seconds: 10 });
        const before = mayChange && (await state(scene));
        for (const caller of refused) {
          const answer = await request(route, scene, caller);
          expect(refusal(answer).slice(0, 2), caller).toEqual(access[caller]);
          expect(Object.keys(described.get(route)?.responses ?? {})).toContain(String(answer.status));
        }
        expect(mayChange && (await state(scene))).toEqual(before);
      });

    test('is described as such, with the scope that a key needs', () => {
      const scopes = scopesFor(access);
      const schemes = [{ apiKey: scopes }, { bearer: scopes }];
      const security = access === provider ? [{ apiKey: [] }, { bearer: [] }, {}] : schemes;
      expect(described.get(route)?.security).toEqual(access.nobody === 'passes' ? undefined : security);
    });
  });

  test('lists one’s own miners for their owner only', async () => {
    const [owner, another] = [await coordinator.key('miner'), await coordinator.key('miner')];
    await actions(coordinator, owner).register('own-miner');
    const mine = async (key: string) =>
      (await coordinator.call<{ miner_id: string }[]>('GET', '/v1/account/miners', undefined, { key })).body;
    expect((await mine(owner)).map(({ miner_id }) => miner_id)).toEqual(['own-miner']);
    expect(await mine(another)).toEqual([]);
  });

  test('says nothing about a body before the key is right', async () => {
    for (const path of ['/v1/jobs', '/v1/jobs/batch', '/v1/miners/register', '/v1/jobs/any/claim']) {
      expect((await coordinator.call('POST', path, '{"prompt"')).status).toBe(401);
    }
  });
});

describeOneEngine('an open coordinator', engine => {
  const coordinator = withCoordinator(engine, { mode: 'open' });

  test('serves clients and miners without a key', async () => {
    const { submit, register, claims, complete } = actions(coordinator);
    await register('keyless');
    const { job_id } = await submit();
    await claims('keyless');
    const receipt: Receipt = await complete(job_id, 'keyless');
    expect(receipt.job_id).toBe(job_id);
  });

  test.each(Object.entries(ACCESS).filter(([, access]) => access !== unguarded))(
    'refuses a wrong key all the same: %s',
    async (name, access) => {
      const [method = '', path = ''] = name.split(' ');
      const answer = await coordinator.call(method, path.replace(/{\w+}/, 'any'), undefined, {
        key: 'wrong',
      });
      expect(refusal(answer)).toEqual(access['a wrong key']);
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
