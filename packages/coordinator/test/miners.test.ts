import type { ClaimedJobs, Miner, MinerDetail, NetworkStats } from '@aitbc/protocol';
import { signerFromSeed } from '@aitbc/receipts';
import { expect, test } from 'vitest';
import { allPages, refusal } from './harness/answers.ts';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';

const encodedHex = (hex: string) => Buffer.from(hex, 'hex').toString('base64url');

/** The same bytes, spelled with a last letter whose low bits belong to none of them. */
function withStrayBits(base64url: string): string {
  const last = base64url.charCodeAt(base64url.length - 1);
  return base64url.slice(0, -1) + String.fromCharCode(last + 1);
}

describeEachEngine('registering a miner', engine => {
  const coordinator = withCoordinator(engine);
  const register = (body: object, key?: string) =>
    coordinator.call<Miner>('POST', '/v1/miners/register', body, key === undefined ? {} : { key });
  const miner = (id: string) => ({ miner_id: id, capabilities: ['llama3.2'] });

  test('as the tutorial does it', async () => {
    const { status, body } = await register({
      miner_id: 'my-miner-001',
      capabilities: ['llama3.2', 'codellama'],
      gpu_info: { name: 'NVIDIA RTX 4090', memory: '24GB' },
    });
    expect(status).toBe(201);
    const now = new Date(coordinator.now()).toISOString();
    expect(body).toEqual({
      miner_id: 'my-miner-001',
      status: 'online',
      capabilities: ['llama3.2', 'codellama'],
      models: ['llama3.2', 'codellama'].map(model => ({
        ...{ model, loaded: null, time_to_first_token_ms: null, tokens_per_second: null, passport: null },
      })),
      gpu_info: { name: 'NVIDIA RTX 4090', memory: '24GB' },
      vram_gb: 24,
      region: null,
      concurrency: null,
      address: expect.stringMatching(/^ait1[0-9a-z]+$/),
      public_key: null,
      epoch: 1,
      running: 0,
      completed: 0,
      failed: 0,
      reputation: {
        ...{ score: 0.9, successes: 0, failures: 0, timeouts: 0, agreements: 0, disagreements: 0 },
        suspended_at: null,
        suspended_by: null,
      },
      registered_at: now,
      last_seen_at: now,
      heartbeat_seconds: 15,
    });
  });

  test('again by its owner changes what it registered', async () => {
    await register({ ...miner('again'), region: 'eu', concurrency: 1 });
    const { status, body } = await register({
      miner_id: 'again',
      capabilities: ['a', 'b', 'a'],
      region: 'us',
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({ capabilities: ['a', 'b'], region: 'us', concurrency: null });
  });

  test("another owner's id is taken", async () => {
    await register(miner('mine'), await coordinator.key('miner'));
    for (const key of [await coordinator.key('miner'), undefined]) {
      expect(refusal(await register(miner('mine'), key))).toEqual([
        409,
        'MINER_ALREADY_REGISTERED',
        'miner_id',
      ]);
    }
  });

  test('of two owners at once, one gets the id', async () => {
    const keys = [await coordinator.key('miner'), await coordinator.key('miner')];
    const answers = await Promise.all(keys.map(key => register(miner('coveted'), key)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
  });

  test('ids that differ only in case are two miners', async () => {
    expect((await register(miner('Case'))).status).toBe(201);
    expect((await register(miner('case'))).status).toBe(201);
  });

  test.each([
    ['24GB', 24],
    ['24576 MiB', 24],
    ['0.5 tb', 512],
    ['16', 16],
    ['24576', 24],
    ['25757220864', 24],
    ['24564 MiB', 24],
    ['23028 MiB', 24],
    ['20475 MiB', 20],
    ['22528 MiB', 22],
    ['12282 MiB', 12],
    ['11264 MiB', 11],
    ['16376 MiB', 16],
    ['15109 MiB', 16],
    ['49140 MiB', 48],
    ['45634 MiB', 48],
    ['81559 MiB', 80],
    ['97887 MiB', 96],
    ['95830 MiB', 94],
    ['652472 MiB', 640],
    ['0 MiB', null],
  ])('GPU memory of "%s" is %o GB', async (memory, gb) => {
    const { body } = await register({ ...miner('memory'), gpu_info: { memory, driver: '555', cores: [1] } });
    expect(body.vram_gb).toBe(gb);
    expect(body.gpu_info).toEqual({ memory, driver: '555', cores: [1] });
  });

  test.each([
    ['no capabilities', { capabilities: [] }, ['VALIDATION_OUT_OF_RANGE', 'capabilities']],
    [
      'a capability beyond ASCII',
      { capabilities: ['m', 'ä'] },
      ['VALIDATION_INVALID_MODEL', 'capabilities.1'],
    ],
    ['an id with a slash', { miner_id: 'a/b' }, ['VALIDATION_INVALID_FORMAT', 'miner_id']],
    ['an id of 65 characters', { miner_id: 'a'.repeat(65) }, ['VALIDATION_OUT_OF_RANGE', 'miner_id']],
    ['concurrency 0', { concurrency: 0 }, ['VALIDATION_OUT_OF_RANGE', 'concurrency']],
    [
      'more memory than any machine has',
      { gpu_info: { memory: '24576 TB' } },
      ['VALIDATION_OUT_OF_RANGE', 'gpu_info.memory'],
    ],
    [
      'more about the GPU than 2 KiB',
      { gpu_info: { blob: 'é'.repeat(1_024) } },
      ['VALIDATION_OUT_OF_RANGE', 'gpu_info'],
    ],
    ['memory in words', { gpu_info: { memory: 'plenty' } }, ['VALIDATION_INVALID_FORMAT', 'gpu_info.memory']],
    [
      'an address with a typing error',
      { address: 'ait1qqqqqqqqq' },
      ['VALIDATION_INVALID_FORMAT', 'address'],
    ],
    [
      'a public key that is none',
      { public_key: `${'A'.repeat(42)}B` },
      ['VALIDATION_INVALID_FORMAT', 'public_key'],
    ],
    [
      'a public key that is no point of the curve',
      { public_key: encodedHex(`02${'00'.repeat(31)}`) },
      ['VALIDATION_INVALID_FORMAT', 'public_key'],
    ],
    [
      'a public key in another encoding of its point',
      { public_key: encodedHex(`f0${'ff'.repeat(30)}7f`) },
      ['VALIDATION_INVALID_FORMAT', 'public_key'],
    ],
    [
      'a public key with bits left over',
      { public_key: withStrayBits(signerFromSeed(new Uint8Array(32).fill(7)).keyId) },
      ['VALIDATION_INVALID_FORMAT', 'public_key'],
    ],
    [
      'a public key that fits any signature',
      { public_key: 'A'.repeat(43) },
      ['VALIDATION_INVALID_FORMAT', 'public_key'],
    ],
  ])('with %s is refused', async (_, wrong, expected) => {
    expect(refusal(await register({ ...miner('wrong'), ...wrong }))).toEqual([400, ...expected]);
  });

  test('a miner earns for its address, its key’s owner, or itself', async () => {
    const { body: own } = await register(miner('own'));
    const { body: other } = await register(miner('other'));
    expect(other.address).not.toBe(own.address);
    const key = await coordinator.key('miner');
    const fleet = [await register(miner('fleet-1'), key), await register(miner('fleet-2'), key)];
    expect(new Set(fleet.map(({ body }) => body.address)).size).toBe(1);
    const named = await register({ ...miner('named'), address: own.address }, key);
    expect(named.body.address).toBe(own.address);
  });
});

describeEachEngine('the life of a miner', engine => {
  const coordinator = withCoordinator(engine);
  const { register, submit, job, claims, complete, fail, heartbeat, available } = actions(coordinator);
  const read = async (id: string) => (await coordinator.call<MinerDetail>('GET', `/v1/miners/${id}`)).body;
  const active = async () => (await coordinator.call<NetworkStats>('GET', '/v1/stats')).body.active_miners;

  test('its jobs are counted', async () => {
    await register('counted', { capabilities: ['counted'] });
    const jobs = [];
    for (let count = 0; count < 3; count++) jobs.push((await submit({ model: 'counted' })).job_id);
    await claims('counted', 3);
    await complete(jobs[0] ?? '', 'counted');
    await fail(jobs[1] ?? '', 'counted', { retryable: false });
    expect(await read('counted')).toMatchObject({ running: 1, completed: 1, failed: 1 });
  });

  test('it is told what it could run, what not, and why', async () => {
    await register('curious', { capabilities: ['small-model'], gpu_info: { memory: '8GB' } });
    await submit({ model: 'small-model' });
    await submit({ model: 'small-model', constraints: { min_vram_gb: 24 } });
    await submit({ model: 'other-model' });
    await submit({ model: 'other-model', priority: 1 });
    const { workload } = await read('curious');
    expect(workload.reason).toBeNull();
    expect(workload.runnable).toEqual([{ model: 'small-model', pending: 1, reason: null }]);
    expect(workload.blocked).toContainEqual({
      model: 'small-model',
      pending: 1,
      reason: 'The job needs 24 GB of GPU memory, 8 GB are registered.',
    });
    expect(workload.blocked).toContainEqual({
      model: 'other-model',
      pending: 2,
      reason: 'It does not offer the model other-model.',
    });
  });

  test('a claim that finds nothing says why, if it asks', async () => {
    await register('asking', { capabilities: ['asked-for'], models: [{ model: 'asked-for', tools: false }] });
    const claim = async (prefer?: string) => {
      const headers: Record<string, string> = prefer === undefined ? {} : { prefer };
      return await coordinator.call<ClaimedJobs>('POST', '/v1/miners/asking/claims', {}, { headers });
    };
    expect((await claim()).body).toEqual({ jobs: [] });
    const tools = [{ type: 'function' as const, function: { name: 'weather' } }];
    const messages = [{ role: 'user' as const, content: 'Hello' }];
    await submit({ model: 'asked-for', prompt: undefined, messages, tools });
    await submit({ model: 'asked-for', constraints: { region: 'eu-west' } });
    await submit({ model: 'asked-for', constraints: { region: 'eu-west' }, priority: 1 });
    await submit({ model: 'asked-for', replication: 2, params: { temperature: 0, seed: 1 } });
    const [run] = await claims('asking');
    const { body, headers } = await claim('wait=1, explain');
    expect(headers.get('preference-applied')).toBe('explain');
    expect(body.jobs).toEqual([]);
    expect(body.idle?.reason).toBeNull();
    expect(body.idle?.blocked).toEqual(
      expect.arrayContaining([
        { reason: 'ability', jobs: 1, detail: expect.stringContaining('cannot call tools') },
        { reason: 'region', jobs: 2, detail: expect.stringContaining('region eu-west, none is registered') },
        { reason: 'excluded', jobs: 1, detail: expect.stringContaining('miners of other owners') },
      ]),
    );
    const counts = body.idle?.blocked.map(({ jobs }) => jobs) ?? [];
    expect(counts).toEqual(counts.toSorted((a, b) => b - a));
    await complete(run?.job_id ?? '', 'asking');
  });

  test('a miner that can run nothing of what is pending is told so', async () => {
    await register('useless', { capabilities: ['nobody-asks-for-this'] });
    await submit();
    expect((await read('useless')).workload.reason).toBe('It can run none of the pending jobs.');
  });

  test('a full miner is told so', async () => {
    await register('full', { capabilities: ['full'], concurrency: 1 });
    await submit({ model: 'full' });
    await claims('full');
    expect((await read('full')).workload.reason).toBe('It runs as many jobs as it registered for.');
  });

  test('silence puts it offline, any sign of life back online', async () => {
    await register('silent', { capabilities: ['silent'] });
    await coordinator.pass({ seconds: 90 });
    expect(await read('silent')).toMatchObject({
      status: 'offline',
      workload: { reason: expect.stringContaining('not heard of') },
    });
    const before = await active();
    await heartbeat('silent');
    expect((await read('silent')).status).toBe('online');
    expect(await active()).toBe(before + 1);
  });

  test('polling is a sign of life', async () => {
    await register('polls', { capabilities: ['polls'] });
    coordinator.moveClock({ seconds: 80 });
    await available('polls');
    await coordinator.pass({ seconds: 80 });
    expect((await read('polls')).status).toBe('online');
  });

  test('a draining miner finishes what it holds and gets nothing new', async () => {
    await register('drains', { capabilities: ['drains'] });
    const held = await submit({ model: 'drains' });
    await claims('drains');
    const next = await submit({ model: 'drains' });
    expect((await coordinator.call<Miner>('POST', '/v1/miners/drains/drain')).body.status).toBe('draining');
    expect(await available('drains')).toBeNull();
    expect(await claims('drains')).toEqual([]);
    const claim = await coordinator.call('POST', `/v1/jobs/${next.job_id}/claim`, { miner_id: 'drains' });
    expect(refusal(claim)).toEqual([409, 'MINER_CAPACITY_FULL']);
    await complete(held.job_id, 'drains');
    expect((await read('drains')).workload.reason).toContain('draining');
    await register('drains', { capabilities: ['drains'] });
    expect((await claims('drains')).map(({ job_id }) => job_id)).toEqual([next.job_id]);
  });

  test('a drained miner gets jobs again when it is resumed, at once or when it is back', async () => {
    await register('resumes', { capabilities: ['resumes'] });
    await coordinator.call('POST', '/v1/miners/resumes/drain');
    const { job_id } = await submit({ model: 'resumes' });
    expect(await claims('resumes')).toEqual([]);
    const resumed = await coordinator.call<Miner>('POST', '/v1/miners/resumes/resume');
    expect([resumed.status, resumed.body.status]).toEqual([200, 'online']);
    expect((await claims('resumes')).map(job => job.job_id)).toEqual([job_id]);
    await coordinator.call('POST', '/v1/miners/resumes/drain');
    await coordinator.pass({ seconds: 90 });
    const offline = await coordinator.call<Miner>('POST', '/v1/miners/resumes/resume');
    expect(offline.body.status).toBe('offline');
    expect(refusal(await coordinator.call('POST', '/v1/miners/nobody/resume'))).toEqual([
      404,
      'MINER_NOT_FOUND',
    ]);
    await coordinator.call('POST', '/v1/miners/resumes/heartbeat', {});
    expect((await read('resumes')).status).toBe('online');
  });

  test('a draining miner that falls silent still drains when it comes back', async () => {
    await register('drains-on', { capabilities: ['drains-on'] });
    await coordinator.call('POST', '/v1/miners/drains-on/drain');
    await coordinator.pass({ seconds: 90 });
    expect((await read('drains-on')).status).toBe('offline');
    const { job_id } = await submit({ model: 'drains-on' });
    const claim = await coordinator.call('POST', `/v1/jobs/${job_id}/claim`, { miner_id: 'drains-on' });
    expect(refusal(claim)).toEqual([409, 'MINER_CAPACITY_FULL']);
    expect((await read('drains-on')).status).toBe('draining');
    expect(await claims('drains-on')).toEqual([]);
    await register('drains-on', { capabilities: ['drains-on'] });
    expect((await claims('drains-on')).map(job => job.job_id)).toEqual([job_id]);
  });

  test('a miner that leaves hands back what it holds, and no attempt is counted', async () => {
    await register('leaves', { capabilities: ['leaves'] });
    const { job_id } = await submit({ model: 'leaves' });
    await claims('leaves');
    const left = await coordinator.call('DELETE', '/v1/miners/leaves');
    expect([left.status, left.body]).toEqual([204, '']);
    expect(await job(job_id)).toMatchObject({ status: 'pending', attempts: 0, miner_id: null });
    expect(refusal(await coordinator.call('GET', '/v1/miners/leaves'))).toEqual([404, 'MINER_NOT_FOUND']);
    expect(refusal(await coordinator.call('POST', '/v1/miners/leaves/heartbeat', {}))).toEqual([
      404,
      'MINER_NOT_FOUND',
    ]);
    expect(refusal(await coordinator.call('DELETE', '/v1/miners/leaves'))).toEqual([404, 'MINER_NOT_FOUND']);
    await register('leaves', { capabilities: ['leaves'] });
    expect((await read('leaves')).status).toBe('online');
  });

  test('a heartbeat needs no body', async () => {
    await register('terse');
    expect((await coordinator.call('POST', '/v1/miners/terse/heartbeat')).status).toBe(200);
  });

  test('a heartbeat names jobs of others without learning about them', async () => {
    await register('nosy');
    const { job_id } = await submit({ model: 'secret' });
    expect((await heartbeat('nosy', [job_id, 'job-none'])).stop).toEqual([
      { job_id, status: null },
      { job_id: 'job-none', status: null },
    ]);
  });
});

describeEachEngine('listing miners', engine => {
  const coordinator = withCoordinator(engine);
  const { register } = actions(coordinator);

  test('pages by id lead to the end', async () => {
    const ids = ['a', 'B', 'c.1', 'd:2', 'e_3', 'f', 'G'];
    for (const id of ids) await register(id);
    await coordinator.call('POST', '/v1/miners/c.1/drain');
    const pages = await allPages<Miner>(coordinator, '/v1/miners?limit=3');
    expect(pages.map(page => page.length)).toEqual([3, 3, 1]);
    expect(pages.flat().map(miner => miner.miner_id)).toEqual([...ids].sort());
    const draining = await coordinator.call<Miner[]>('GET', '/v1/miners?status=draining');
    expect(draining.body.map(miner => miner.miner_id)).toEqual(['c.1']);
    await register('other', { capabilities: ['other'] });
    const able = await allPages<Miner>(coordinator, '/v1/miners?limit=4&model=llama3.2');
    expect(able.flat().map(miner => miner.miner_id)).toEqual(['B', 'G', 'a', 'd:2', 'e_3', 'f']);
    expect(await allPages(coordinator, '/v1/miners?model=nothing')).toEqual([[]]);
  });
});
