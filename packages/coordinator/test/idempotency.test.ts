import type { ApiKeyWithSecret, CreatedWebhook, InvitationWithToken, Notice } from '@aitbc/protocol';
import { beforeAll, expect, test } from 'vitest';
import { refusal } from './harness/answers.ts';
import { withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine, describeOneEngine } from './harness/engines.ts';

const DAY = { seconds: 24 * 3600 };
const HOOK = { url: 'http://127.0.0.1:9/', events: ['job.completed'] };
type Created = ApiKeyWithSecret & CreatedWebhook & InvitationWithToken & Notice;

const CREATING: [
  path: string,
  body: object,
  other: object,
  secret: 'key' | 'token' | 'secret' | undefined,
][] = [
  ['/v1/api-keys', { scopes: ['client'] }, { scopes: ['miner'] }, 'key'],
  ['/v1/invitations', { scopes: ['client'] }, { scopes: ['miner'] }, 'token'],
  ['/v1/webhooks', HOOK, { ...HOOK, events: ['job.failed'] }, 'secret'],
  ['/v1/notices', { text: 'Once' }, { text: 'Twice' }, undefined],
];

describeEachEngine('a repeated request with an idempotency key', engine => {
  const coordinator = withCoordinator(engine, { mode: 'keyed' });
  let admin: string;
  beforeAll(async () => {
    admin = await coordinator.key('admin');
  });
  const send = (path: string, idempotencyKey: string, body: object, key = admin) =>
    coordinator.call<Created>('POST', path, body, { key, headers: { 'idempotency-key': idempotencyKey } });

  test.each(CREATING)('to %s creates nothing and has the same answer', async (path, body, other, secret) => {
    const answers = await Promise.all([1, 2, 3].map(() => send(path, path, body)));
    answers.push(await send(path, path, body));
    const [first, ...more] = answers;
    expect(first?.status).toBe(201);
    expect(more.map(answer => answer.body)).toEqual(more.map(() => first?.body));
    if (secret) expect(first?.body[secret]).toMatch(/^(aitbc|invite|whsec)_[\w+/=-]{43,}$/);
    expect(answers.filter(({ headers }) => headers.get('idempotent-replayed') === 'true')).toHaveLength(3);
    expect(new Set(answers.map(({ headers }) => headers.get('location'))).size).toBe(1);
    const reused = [409, 'IDEMPOTENCY_KEY_REUSED'];
    expect(refusal(await send(path, path, other))).toEqual(reused);
  });

  test('of another account, or after a day, is another request', async () => {
    const path = '/v1/webhooks';
    const ids = [(await send(path, 'accounts', HOOK)).body.id];
    ids.push((await send(path, 'accounts', HOOK, await coordinator.key('client'))).body.id);
    coordinator.moveClock(DAY);
    ids.push((await send(path, 'accounts', HOOK)).body.id);
    expect(new Set(ids).size).toBe(3);
  });

  test('that failed is tried again', async () => {
    const account = `aitbc1${'q'.repeat(38)}`;
    const broken = await send('/v1/api-keys', 'failed', { scopes: ['client'], account });
    expect(broken.status).toBe(400);
    expect((await send('/v1/api-keys', 'failed', { scopes: ['client'] })).status).toBe(201);
  });

  test('gets a secret that works, once for each rotation', async () => {
    const current = (key: string) => coordinator.call('GET', '/v1/api-keys/current', undefined, { key });
    const { body: made } = await send('/v1/api-keys', 'works', { scopes: ['client'] });
    const path = `/v1/api-keys/${made.id}/rotate`;
    const rotate = () => send(path, 'rotation', { old_valid_seconds: 3600 });
    const [first, second] = [await rotate(), await rotate()];
    expect(second.body).toEqual(first.body);
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    expect((await current(made.key)).status).toBe(200);
    expect((await current(first.body.key)).status).toBe(200);

    const later = await send(path, 'later', {});
    expect(later.body.key).not.toBe(first.body.key);
    for (const outdated of [await send('/v1/api-keys', 'works', { scopes: ['client'] }), await rotate()])
      expect(refusal(outdated)).toEqual([409, 'IDEMPOTENCY_KEY_REUSED']);
  });

  test('rotates the secret of a webhook and of an account once', async () => {
    const { body: hook } = await send('/v1/webhooks', 'rotated', HOOK);
    for (const path of [`/v1/webhooks/${hook.id}/rotate-secret`, '/v1/webhooks/secret/rotate']) {
      const answers = [
        await send(path, path, {}),
        await send(path, path, {}),
        await send(path, `${path} 2`, {}),
      ];
      const [first, again, next] = answers.map(({ body }) => body.secret);
      expect([first, next]).toEqual([again, expect.not.stringContaining(first ?? '')]);
      expect(answers.map(({ headers }) => headers.get('idempotent-replayed'))).toEqual([null, 'true', null]);
    }
    // The first request with the key now answers with the secret that the webhook has.
    expect((await send('/v1/webhooks', 'rotated', HOOK)).body.secret).not.toBe(hook.secret);
    await coordinator.call('DELETE', `/v1/webhooks/${hook.id}`, undefined, { key: admin });
    expect(refusal(await send('/v1/webhooks', 'rotated', HOOK))).toEqual([404, 'WEBHOOK_NOT_FOUND']);
  });
});

describeOneEngine('the limit of webhooks', engine => {
  const coordinator = withCoordinator(engine, { mode: 'keyed', webhooksPerAccount: 1 });

  test('does not refuse a repetition', async () => {
    const key = await coordinator.key('client');
    const send = (idempotencyKey: string) =>
      coordinator.call<CreatedWebhook>('POST', '/v1/webhooks', HOOK, {
        ...{ key, headers: { 'idempotency-key': idempotencyKey } },
      });
    const first = await send('one');
    expect((await send('one')).body).toEqual(first.body);
    expect((await send('two')).status).toBe(403);
  });
});
