import type { AuditEntry, ClaimedJobs, Notice } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { refusal } from './harness/answers.ts';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';

describeEachEngine('notices of the operator', engine => {
  const coordinator = withCoordinator(engine);
  const { register } = actions(coordinator);

  async function asAdmin<Body>(method: string, path: string, body?: object) {
    return await coordinator.call<Body>(method, path, body, { key: await coordinator.key('admin') });
  }
  const tell = async (text: string, more: object = {}) =>
    (await asAdmin<Notice>('POST', '/v1/notices', { text, ...more })).body;

  async function toldTo(miner: string, prefer = 'explain', key?: string) {
    const path = `/v1/miners/${miner}/claims`;
    const { body } = await coordinator.call<ClaimedJobs>(
      'POST',
      path,
      {},
      {
        headers: { prefer },
        ...(key !== undefined && { key }),
      },
    );
    return body.idle?.notices?.map(({ text }) => text) ?? [];
  }

  test('reach those for whom they are, with claims that find nothing and ask why', async () => {
    const key = await coordinator.key('client', 'miner');
    const { body } = await coordinator.call<{ address: string }>('GET', '/v1/account', undefined, { key });
    await register('one');
    await register('two');
    await actions(coordinator, key).register('three');
    const all = await tell('All');
    await tell('One', { miner: 'one' });
    await tell('Owner', { owner: body.address });
    await tell('Old', { below_version: '0.10.0' });
    expect(await toldTo('one')).toEqual(['All', 'One', 'Old']);
    expect(await toldTo('three', 'explain; agent="any/0.9.7"', key)).toEqual(['All', 'Owner', 'Old']);
    expect(await toldTo('two', 'explain; agent="any/0.10.0"')).toEqual(['All']);
    expect(await toldTo('two', 'wait=0')).toEqual([]);
    expect((await asAdmin('DELETE', `/v1/notices/${all.id}`)).status).toBe(204);
    expect(await toldTo('two', 'explain; agent="any/1.0.0"')).toEqual([]);
    const log = await asAdmin<AuditEntry[]>('GET', '/v1/audit-log?limit=20');
    const about = log.body.filter(({ action }) => action.startsWith('notice.')).slice(0, 2);
    expect(about.map(({ action, target }) => [action, target === all.id])).toEqual([
      ['notice.delete', true],
      ['notice.create', false],
    ]);
  });

  test('end, and are limited', async () => {
    await register('four');
    const { id } = await tell('Soon over', { miner: 'four', valid_seconds: 60 });
    expect(await toldTo('four', 'explain; agent="any/9.0.0"')).toEqual(['Soon over']);
    coordinator.moveClock({ seconds: 60 });
    expect(await toldTo('four', 'explain; agent="any/9.0.0"')).toEqual([]);
    const { body } = await asAdmin<Notice[]>('GET', '/v1/notices');
    expect(body.map(notice => notice.id)).not.toContain(id);
    for (let count = body.length; count < 100; count++) await tell('More', { miner: 'nobody' });
    const refused = await asAdmin('POST', '/v1/notices', { text: 'Too many' });
    expect(refusal(refused)).toEqual([409, 'NOTICE_LIMIT_REACHED']);
    expect(refusal(await asAdmin('DELETE', `/v1/notices/${id}`))).toEqual([404, 'NOTICE_NOT_FOUND']);
  });

  test.each([
    [{ text: '' }, 'OUT_OF_RANGE', 'text'],
    [{ text: 'x'.repeat(1_001) }, 'OUT_OF_RANGE', 'text'],
    [{ text: 'x', owner: 'alice' }, 'INVALID_FORMAT', 'owner'],
    [{ text: 'x', below_version: 'soon' }, 'INVALID_FORMAT', 'below_version'],
  ])('can not be %j', async (notice, code, field) => {
    const answer = await asAdmin('POST', '/v1/notices', notice);
    expect(refusal(answer)).toEqual([400, `VALIDATION_${code}`, field]);
  });
});
