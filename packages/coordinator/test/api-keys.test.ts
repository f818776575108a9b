import type { ApiKey, ApiKeyWithSecret, AuditEntry, Job } from '@aitbc/protocol';
import { parse } from 'csv-parse/sync';
import { beforeAll, describe, expect, test } from 'vitest';
import { allPages, refusal } from './harness/answers.ts';
import { actions, type TestCoordinator, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine, describeOneEngine, execute } from './harness/engines.ts';
import { begin, fileForm, newBatch, upload } from './harness/scenes.ts';

const callAs = (coordinator: TestCoordinator, key: string) =>
  async function call<Body = ApiKey>(method: string, path: string, body?: unknown) {
    return await coordinator.call<Body>(method, path, body, { key });
  };

async function make(coordinator: TestCoordinator, key: string, body: object): Promise<ApiKeyWithSecret> {
  const answer = await callAs(coordinator, key)<ApiKeyWithSecret>('POST', '/v1/api-keys', body);
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return answer.body;
}

const DAY = 24 * 3600;

describeOneEngine('API keys over HTTP', engine => {
  const coordinator = withCoordinator(engine, {
    mode: 'keyed',
    keyCacheSeconds: 0,
    tiers: { gold: {} } as never,
  });
  let admin: string;
  beforeAll(async () => {
    admin = await coordinator.key('admin');
  });
  const jobsAs = (key: string) => coordinator.call('GET', '/v1/jobs', undefined, { key });

  test('are made with what they may do, and show their secret once', async () => {
    const expires_at = new Date(coordinator.now() + DAY * 1000).toISOString();
    const asked = { name: 'the web shop', scopes: ['client'], tier: 'gold', max_priority: 3, expires_at };
    const { key, ...made } = await make(coordinator, admin, {
      ...asked,
      allowed_models: ['llama3.2'],
      budget: { total: 10, day: 2.5 },
    });
    expect(made).toMatchObject({
      ...asked,
      account: expect.stringMatching(/^ait1/),
      budget: { total: 10, day: 2.5, month: null, spent: { total: 0, day: 0, month: 0 }, reserved: 0 },
      created_by: null,
      revoked_at: null,
    });
    expect((await callAs(coordinator, admin)('GET', `/v1/api-keys/${made.id}`)).body).toEqual(made);
    expect((await callAs(coordinator, key)('GET', '/v1/api-keys/current')).body).toEqual(made);
    expect((await jobsAs(key)).status).toBe(200);
    coordinator.moveClock({ seconds: DAY });
    expect(refusal(await jobsAs(key))).toEqual([401, 'AUTH_EXPIRED_KEY']);
  });

  test('are listed in pages: those of one account to its manager, all to administrators', async () => {
    const manager = await make(coordinator, admin, { scopes: ['client', 'keys'] });
    const made = [
      manager,
      ...(await Promise.all(
        [1, 2, 3].map(number =>
          make(coordinator, manager.key, { scopes: ['client'], name: `shop ${number}` }),
        ),
      )),
    ];
    const pages = await allPages<ApiKey>(coordinator, '/v1/api-keys?limit=3', { key: manager.key });
    expect(pages.map(page => page.length)).toEqual([3, 1]);
    expect(pages.flat().map(key => key.id)).toEqual(
      made
        .map(key => key.id)
        .sort()
        .reverse(),
    );
    expect(pages.flat().every(key => key.account === manager.account && !('key' in key))).toBe(true);
    const path = `/v1/api-keys?account=${manager.account}`;
    expect((await callAs(coordinator, admin)<ApiKey[]>('GET', path)).body).toHaveLength(4);
    const other = await coordinator.key('keys');
    expect(refusal(await callAs(coordinator, other)('GET', path))).toEqual([
      403,
      'AUTH_INSUFFICIENT_SCOPE',
      'account',
    ]);
  });

  test('never have more than the key that makes them, whatever is asked for', async () => {
    const soon = new Date(coordinator.now() + DAY * 1000).toISOString();
    const late = new Date(coordinator.now() + 2 * DAY * 1000).toISOString();
    const manager = await make(coordinator, admin, {
      ...{ scopes: ['client', 'keys'], tier: 'gold', max_priority: 2, allowed_models: ['a', 'b'] },
      expires_at: soon,
    });
    const more: [object, string][] = [
      [{ scopes: ['miner'] }, 'scopes'],
      [{ scopes: ['admin'] }, 'scopes'],
      [{ tier: null }, 'tier'],
      [{ max_priority: 3 }, 'max_priority'],
      [{ allowed_models: ['a', 'c'] }, 'allowed_models'],
      [{ allowed_models: null }, 'allowed_models'],
      [{ expires_at: null }, 'expires_at'],
      [{ expires_at: late }, 'expires_at'],
      [{ account: (await make(coordinator, admin, { scopes: ['client'] })).account }, 'account'],
    ];
    const call = callAs(coordinator, manager.key);
    const child = await make(coordinator, manager.key, { scopes: ['client'] });
    const inherited = { tier: 'gold', max_priority: 2, allowed_models: ['a', 'b'], expires_at: soon };
    expect(child).toMatchObject({ ...inherited, account: manager.account, created_by: manager.id });
    for (const [body, field] of more) {
      const wrong = [403, 'AUTH_INSUFFICIENT_SCOPE', field];
      expect(refusal(await call('POST', '/v1/api-keys', { scopes: ['client'], ...body })), field).toEqual(
        wrong,
      );
      if (field !== 'account')
        expect(refusal(await call('PATCH', `/v1/api-keys/${child.id}`, body)), field).toEqual(wrong);
    }
    expect((await call('GET', `/v1/api-keys/${child.id}`)).body).toMatchObject(inherited);
  });

  test('that have more than a manager are not the manager’s to change, rotate or revoke', async () => {
    const manager = await make(coordinator, admin, { scopes: ['keys'] });
    const { id } = await make(coordinator, admin, { scopes: ['client'], account: manager.account });
    const call = callAs(coordinator, manager.key);
    for (const answer of [
      await call('PATCH', `/v1/api-keys/${id}`, { name: 'mine' }),
      await call('POST', `/v1/api-keys/${id}/rotate`, {}),
      await call('DELETE', `/v1/api-keys/${id}`),
    ])
      expect(refusal(answer)).toEqual([403, 'AUTH_INSUFFICIENT_SCOPE', 'scopes']);
  });

  test.each([
    [{ scopes: [] }, 'scopes'],
    [{ scopes: ['client', 'client'] }, 'scopes'],
    [{ scopes: ['root'] }, 'scopes.0'],
    [{ scopes: ['client'], tier: 'silver' }, 'tier'],
    [{ scopes: ['client'], expires_at: '2020-01-01T00:00:00Z' }, 'expires_at'],
    [{ scopes: ['client'], budget: { day: 0.0000001 } }, 'budget.day'],
    [{ scopes: ['client'], budget: { week: 1 } }, 'budget.week'],
    [{ scopes: ['client'], account: 'ait1wrong' }, 'account'],
  ])('are not made of %j', async (body, field) => {
    const answer = await callAs(coordinator, admin)('POST', '/v1/api-keys', body);
    expect([answer.status, refusal(answer)[2]]).toEqual([400, field]);
  });

  test('are changed, within what is given', async () => {
    const { id } = await make(coordinator, admin, { scopes: ['client'], name: 'old', budget: { day: 1 } });
    const call = callAs(coordinator, admin);
    const changed = await call('PATCH', `/v1/api-keys/${id}`, {
      name: 'new',
      budget: null,
      allowed_models: ['x'],
    });
    expect(changed.body).toMatchObject({
      name: 'new',
      budget: null,
      allowed_models: ['x'],
      scopes: ['client'],
    });
    expect(refusal(await call('PATCH', '/v1/api-keys/key-0', { name: 'x' }))).toEqual([
      404,
      'API_KEY_NOT_FOUND',
    ]);
  });

  test('get a new secret, and the old one stays valid for the stated time', async () => {
    const { id, key: old } = await make(coordinator, admin, { scopes: ['client'] });
    const rotate = (old_valid_seconds: number) =>
      callAs(coordinator, admin)<ApiKeyWithSecret>('POST', `/v1/api-keys/${id}/rotate`, {
        old_valid_seconds,
      });
    const { key, old_secret_valid_until } = (await rotate(60)).body;
    expect(Date.parse(old_secret_valid_until ?? '')).toBe(coordinator.now() + 60_000);
    expect([(await jobsAs(old)).status, (await jobsAs(key)).status]).toEqual([200, 200]);
    coordinator.moveClock({ seconds: 60 });
    expect(refusal(await jobsAs(old))).toEqual([401, 'AUTH_INVALID_KEY']);
    const { key: newest } = (await rotate(0)).body;
    expect(refusal(await jobsAs(key))).toEqual([401, 'AUTH_INVALID_KEY']);
    expect((await jobsAs(newest)).status).toBe(200);
  });

  test('are revoked with their old secrets, once', async () => {
    const { id, key: old } = await make(coordinator, admin, { scopes: ['client'] });
    const call = callAs(coordinator, admin);
    const rotated = await call<ApiKeyWithSecret>('POST', `/v1/api-keys/${id}/rotate`, {
      old_valid_seconds: 60,
    });
    expect((await call('DELETE', `/v1/api-keys/${id}`)).body.revoked_at).not.toBeNull();
    for (const key of [old, rotated.body.key])
      expect(refusal(await jobsAs(key))).toEqual([401, 'AUTH_INVALID_KEY']);
    expect(refusal(await call('DELETE', `/v1/api-keys/${id}`))).toEqual([404, 'API_KEY_NOT_FOUND']);
  });

  test('of one account are at most a hundred', async () => {
    const manager = await make(coordinator, admin, { scopes: ['keys'] });
    for (let count = 1; count < 100; count++) await make(coordinator, manager.key, { scopes: ['keys'] });
    const answer = await callAs(coordinator, manager.key)('POST', '/v1/api-keys', { scopes: ['keys'] });
    expect(refusal(answer)).toEqual([409, 'API_KEY_LIMIT_REACHED']);
  });

  describe('that may use some models only', () => {
    const client = async () =>
      await make(coordinator, admin, { scopes: ['client'], allowed_models: ['allowed'] });

    test('submit no jobs of others, by any route', async () => {
      await actions(coordinator, await coordinator.key('miner')).register('both', {
        capabilities: ['allowed', 'other'],
      });
      const { key } = await client();
      const post = callAs(coordinator, key);
      expect((await post('POST', '/v1/jobs', { model: 'allowed', prompt: 'Hi' })).status).toBe(201);
      const refused = [
        await post('POST', '/v1/jobs', { model: 'other', prompt: 'Hi' }),
        await post('POST', '/v1/jobs/batch', { jobs: [{ model: 'other', prompt: 'Hi' }] }),
        await post('POST', '/v1/completions', { model: 'other', prompt: 'Hi' }),
        await post('POST', '/v1/embeddings', { model: 'other', input: 'Hi' }),
        await post('POST', '/v1/chat/completions', {
          model: 'other',
          messages: [{ role: 'user', content: 'Hi' }],
        }),
      ];
      for (const answer of refused)
        expect([answer.status, String(refusal(answer)[1]).toUpperCase()]).toEqual([403, 'MODEL_NOT_ALLOWED']);
      const { body } = await post<{ data: { id: string }[] }>('GET', '/v1/models');
      expect(body.data.map(model => model.id)).toEqual(['allowed']);
      expect((await post('GET', '/v1/models/other')).status).toBe(404);
    });

    test('have no batches with others', async () => {
      const { key } = await client();
      const line = (model: string, custom_id: string) =>
        JSON.stringify({ custom_id, method: 'POST', url: '/v1/completions', body: { model, prompt: 'Hi' } });
      const file = await upload(
        coordinator,
        fileForm(`${line('allowed', 'a')}\n${line('other', 'b')}\n`),
        key,
      );
      const { id } = await begin(coordinator, newBatch(file.id), key);
      await coordinator.running.sweep();
      const { body } = await callAs(coordinator, key)<{ status: string; errors: { data: object[] } }>(
        'GET',
        `/v1/batches/${id}`,
      );
      expect(body.status).toBe('failed');
      expect(body.errors.data).toEqual([expect.objectContaining({ code: 'model_not_allowed', line: 2 })]);
    });
  });
});

describeEachEngine('a budget', engine => {
  // 0.01 credits a second, for 600 seconds at most: a job may cost 6 credits, or what its limit says.
  const coordinator = withCoordinator(engine, { mode: 'keyed', keyCacheSeconds: 0 });
  let admin: string;
  let owner: ReturnType<typeof actions>;
  beforeAll(async () => {
    admin = await coordinator.key('admin');
    owner = actions(coordinator, await coordinator.key('miner'));
    await owner.register('runs', { capabilities: ['budgeted'] });
  });
  const job = { model: 'budgeted', prompt: 'Hello', constraints: { max_price: 1 } };
  const submit = (key: string) => coordinator.call<Job>('POST', '/v1/jobs', job, { key });
  const budgetOf = async (key: string) =>
    (await callAs(coordinator, key)('GET', '/v1/api-keys/current')).body.budget;
  async function run(seconds: number) {
    for (const { job_id } of await owner.claims('runs')) {
      coordinator.moveClock({ seconds });
      await owner.heartbeat('runs', [job_id]);
      await owner.complete(job_id, 'runs');
    }
  }

  test('of a key is reserved by its jobs, and spent by what they cost', async () => {
    const { key } = await make(coordinator, admin, { scopes: ['client'], budget: { total: 1.5 } });
    expect((await submit(key)).status).toBe(201);
    expect(await budgetOf(key)).toMatchObject({ reserved: 1, spent: { total: 0 } });
    expect(refusal(await submit(key))).toEqual([402, 'PAYMENT_TOTAL_BUDGET_EXCEEDED']);
    await run(30);
    expect(await budgetOf(key)).toMatchObject({ reserved: 0, spent: { total: 0.3, day: 0.3, month: 0.3 } });
    const { job_id } = (await submit(key)).body;
    await callAs(coordinator, key)('POST', `/v1/jobs/${job_id}/cancel`);
    expect(await budgetOf(key)).toMatchObject({ reserved: 0, spent: { total: 0.3 } });
  });

  test('of a day or a month begins again with the next one', async () => {
    const { key } = await make(coordinator, admin, { scopes: ['client'], budget: { day: 1, month: 1.2 } });
    await submit(key);
    await run(30);
    const refused = await submit(key);
    expect(refusal(refused)).toEqual([402, 'PAYMENT_DAILY_BUDGET_EXCEEDED']);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    coordinator.moveClock({ seconds: DAY });
    expect(refusal(await submit(key))).toEqual([402, 'PAYMENT_MONTHLY_BUDGET_EXCEEDED']);
    coordinator.moveClock({ seconds: 31 * DAY });
    await owner.heartbeat('runs');
    expect((await submit(key)).status).toBe(201);
    await run(1);
  });

  test('is shared by the keys that a key makes', async () => {
    const parent = await make(coordinator, admin, { scopes: ['client', 'keys'], budget: { total: 1 } });
    const children = await Promise.all(
      [1, 2].map(() => make(coordinator, parent.key, { scopes: ['client'], budget: { total: 100 } })),
    );
    const answers = await Promise.all(children.map(({ key }) => submit(key)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 402]);
    expect(refusal(await submit(parent.key))).toEqual([402, 'PAYMENT_TOTAL_BUDGET_EXCEEDED']);
    await run(50);
    expect(await budgetOf(parent.key)).toMatchObject({ reserved: 0, spent: { total: 0.5 } });
  });

  test('is never exceeded: a price is capped at what is left', async () => {
    const { key } = await make(coordinator, admin, { scopes: ['client'], budget: { total: 3 } });
    const asked = { ...job, constraints: {} };
    expect((await coordinator.call('POST', '/v1/jobs', asked, { key })).status).toBe(201);
    await run(400);
    expect(await budgetOf(key)).toMatchObject({ spent: { total: 3 } });
  });
});

describeEachEngine('the audit log', engine => {
  const coordinator = withCoordinator(engine, { mode: 'keyed', keyCacheSeconds: 0 });

  test('has who did what to what, with what changed, and no secret', async () => {
    const admin = await coordinator.key('admin');
    const call = callAs(coordinator, admin);
    const { id, key } = await make(coordinator, admin, { scopes: ['client'], name: '=cmd' });
    await call('PATCH', `/v1/api-keys/${id}`, { name: 'b' });
    const rotated = await call<ApiKeyWithSecret>('POST', `/v1/api-keys/${id}/rotate`, {
      old_valid_seconds: 5,
    });
    await call('DELETE', `/v1/api-keys/${id}`);
    const { body } = await call<AuditEntry[]>('GET', `/v1/audit-log?target=${id}`);
    expect(body.map(({ action }) => action)).toEqual([
      'key.revoke',
      'key.rotate',
      'key.change',
      'key.create',
    ]);
    expect(body[0]).toMatchObject({
      source: 'api',
      key_id: expect.stringMatching(/^key-/),
      origin: '127.0.0.1',
      request_id: expect.stringMatching(/^req-/),
    });
    expect(body[2]?.details).toEqual({ before: { name: '=cmd' }, after: { name: 'b' } });
    const pages = await allPages<AuditEntry>(coordinator, '/v1/audit-log?limit=2', { key: admin });
    const text = JSON.stringify(pages);
    for (const secret of [key, rotated.body.key, admin]) expect(text).not.toContain(secret.slice(6));
    expect(pages.flat().at(-1)).toMatchObject({ action: 'key.create', source: 'command' });
  });

  test('is served as CSV, in which no cell is a formula, and as lines of JSON', async () => {
    const key = await coordinator.key('admin');
    const read = (accept: string) =>
      coordinator.call<string>('GET', '/v1/audit-log?limit=2&action=key.create', undefined, {
        key,
        headers: { accept },
      });
    const csv = await read('text/csv');
    expect(csv.headers.get('content-type')).toContain('text/csv');
    const rows = parse(csv.body, { columns: true }) as Record<string, string>[];
    expect(rows).toHaveLength(2);
    expect(JSON.parse(rows[0]?.details ?? '')).toMatchObject({ scopes: ['admin'] });
    const lines = await fetch(new URL('/v1/audit-log?limit=2&action=key.create', coordinator.url), {
      headers: { 'x-api-key': key, accept: 'application/x-ndjson' },
    });
    const actions = (await lines.text())
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line).action);
    expect(actions).toEqual(['key.create', 'key.create']);
  });

  test('has what administrators do with credits and miners', async () => {
    const key = await coordinator.key('admin');
    const to = (await make(coordinator, key, { scopes: ['client'] })).account;
    await callAs(coordinator, key)('POST', '/v1/grants', { to, amount: 2, reason: 'Welcome' });
    const { body } = await callAs(coordinator, key)<AuditEntry[]>('GET', `/v1/audit-log?target=${to}`);
    expect(body[0]).toMatchObject({ action: 'credits.grant', details: { amount: 2, reason: 'Welcome' } });
  });
});

describeEachEngine('an entry of the audit log', engine => {
  test('can not be changed or deleted, even in the database', async () => {
    const { options, remove } = await engine.prepare();
    const insert =
      "INSERT INTO audit_log (at, action, target, source, details) VALUES (1, 'key.create', 'x', 'command', '{}')";
    await execute(options, { sqlite: insert, postgres: insert });
    for (const statement of ["UPDATE audit_log SET target = 'y'", 'DELETE FROM audit_log'])
      await expect(execute(options, { sqlite: statement, postgres: statement })).rejects.toThrow(
        'never change',
      );
    await remove();
  });
});
