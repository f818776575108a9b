import { randomBytes } from 'node:crypto';
import type { ApiKeyWithSecret, AuditEntry, Invitation, InvitationWithToken } from '@aitbc/protocol';
import { beforeAll, describe, expect, test } from 'vitest';
import { allPages, refusal } from './harness/answers.ts';
import { withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine, describeOneEngine } from './harness/engines.ts';

const nonce = () => randomBytes(32).toString('hex');

describeEachEngine('an invitation', engine => {
  const coordinator = withCoordinator(engine, { mode: 'keyed', joinsPerMinute: 1_000 });
  let admin: string;
  beforeAll(async () => {
    admin = await coordinator.key('admin');
  });
  async function invite(body: object = {}): Promise<InvitationWithToken> {
    const answer = await coordinator.call<InvitationWithToken>('POST', '/v1/invitations', body, {
      key: admin,
    });
    expect(answer.status, JSON.stringify(answer.body)).toBe(201);
    return answer.body;
  }
  const join = (body: object) => coordinator.call<ApiKeyWithSecret>('POST', '/v1/invitations/redeem', body);

  test('makes an account and a key with what it says', async () => {
    const { token, ...made } = await invite({
      ...{ name: 'Ada', scopes: ['client', 'keys'], allowed_models: ['a'], budget: { day: 2 } },
      key_valid_seconds: 3600,
    });
    expect(made).toMatchObject({ uses: 1, used: 0, scopes: ['client', 'keys'], revoked_at: null });
    const { body } = await join({ token });
    expect(body).toMatchObject({
      ...{ name: 'Ada', scopes: ['client', 'keys'], allowed_models: ['a'], max_priority: 0 },
      budget: { day: 2, total: null },
      expires_at: new Date(coordinator.now() + 3600_000).toISOString(),
    });
    const account = await coordinator.call('GET', '/v1/account', undefined, { key: body.key });
    expect(account.body).toMatchObject({ address: body.account, balance: 0 });
    const path = `/v1/invitations/${made.id}`;
    const found = await coordinator.call<Invitation>('GET', path, undefined, { key: admin });
    expect(found.body).toEqual({ ...made, used: 1 });
    const log = await coordinator.call<AuditEntry[]>('GET', `/v1/audit-log?target=${made.id}`, undefined, {
      key: admin,
    });
    expect(log.body.map(({ action }) => action)).toEqual(['invitation.redeem', 'invitation.create']);
    expect(JSON.stringify(log.body)).not.toContain(token);
  });

  test('is used as often as it says, by clicks at once as well', async () => {
    const { token } = await invite({ uses: 2 });
    const answers = await Promise.all([1, 2, 3, 4].map(() => join({ token, nonce: nonce() })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 410, 410]);
    const made = answers.filter(({ status }) => status === 201).map(({ body }) => body);
    expect(new Set(made.map(({ account }) => account)).size).toBe(2);
  });

  test('answers the same request with the same key, and nobody else', async () => {
    const { token } = await invite();
    const mine = nonce();
    const answers = await Promise.all([1, 2, 3].map(() => join({ token, nonce: mine })));
    expect(new Set(answers.map(({ body }) => body.key)).size).toBe(1);
    expect((await join({ token, nonce: mine })).body.key).toBe(answers[0]?.body.key);
    for (const body of [{ token }, { token, nonce: nonce() }])
      expect(refusal(await join(body))).toEqual([410, 'INVITATION_ENDED']);
  });

  test('ends when it expires or is revoked', async () => {
    const brief = await invite({ valid_seconds: 60 });
    const revoked = await invite();
    await coordinator.call('DELETE', `/v1/invitations/${revoked.id}`, undefined, { key: admin });
    coordinator.moveClock({ seconds: 60 });
    for (const { token } of [brief, revoked])
      expect(refusal(await join({ token }))).toEqual([410, 'INVITATION_ENDED']);
    expect(refusal(await join({ token: 'invite_guessed' }))).toEqual([404, 'INVITATION_NOT_FOUND']);
  });

  test('is listed without its token', async () => {
    const pages = await allPages<Invitation>(coordinator, '/v1/invitations?limit=2', { key: admin });
    expect(pages.length).toBeGreaterThan(1);
    expect(pages.flat().every(invitation => !('token' in invitation))).toBe(true);
    const ids = pages.flat().map(({ id }) => id);
    expect(ids).toEqual([...ids].sort().reverse());
  });

  test.each([
    [{ scopes: [] }, 'scopes'],
    [{ uses: 0 }, 'uses'],
    [{ tier: 'none' }, 'tier'],
    [{ budget: { day: -1 } }, 'budget.day'],
    [{ expires: 3 }, 'expires'],
  ])('is not made of %j', async (body, field) => {
    const answer = await coordinator.call('POST', '/v1/invitations', body, { key: admin });
    expect([answer.status, refusal(answer)[2]]).toEqual([400, field]);
  });
});

describeOneEngine('joining', engine => {
  const coordinator = withCoordinator(engine, { mode: 'keyed', joinsPerMinute: 3 });

  test('is limited for each network', async () => {
    const join = () => coordinator.call('POST', '/v1/invitations/redeem', { token: 'guessed' });
    const answers = [await join(), await join(), await join(), await join()];
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 429]);
    expect(Number(answers[3]?.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  describe('by a link in a browser', () => {
    test('says what to do', async () => {
      const answer = await coordinator.call<string>('GET', '/join');
      expect(answer.body).toContain('aitbc join');
    });
  });
});
