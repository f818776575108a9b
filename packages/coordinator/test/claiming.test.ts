import type { ClaimedJobs, MinerJob } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { refusal } from './harness/answers.ts';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';

const ids = (jobs: readonly { job_id: string }[]) => jobs.map(({ job_id }) => job_id);

describeEachEngine('claiming', engine => {
  const coordinator = withCoordinator(engine, { rate: 0.01, sweepSeconds: 60 });
  const { submit, job, cancel, register, claim, claims, complete, fail, heartbeat } = actions(coordinator);
  const tryClaim = (jobId: string, minerId: string) =>
    coordinator.call<MinerJob>('POST', `/v1/jobs/${jobId}/claim`, { miner_id: minerId });
  const inSeconds = (seconds: number) => new Date(coordinator.now() + seconds * 1000).toISOString();

  test('a claim is a lease', async () => {
    await register('lease', { capabilities: ['lease'] });
    const { job_id } = await submit({ model: 'lease' });
    expect(await claim(job_id, 'lease')).toMatchObject({
      job_id,
      status: 'running',
      prompt: 'Hello',
      attempt: 1,
      lease_expires_at: inSeconds(120),
      deadline: inSeconds(600),
    });
    expect(await job(job_id)).toMatchObject({
      status: 'running',
      miner_id: 'lease',
      started_at: inSeconds(0),
    });
  });

  test('claiming again what one holds gives the same lease', async () => {
    await register('twice', { capabilities: ['twice'], concurrency: 1 });
    const { job_id } = await submit({ model: 'twice' });
    const first = await claim(job_id, 'twice');
    coordinator.moveClock({ seconds: 10 });
    expect(await claim(job_id, 'twice')).toEqual(first);
  });

  test('of many miners that claim a job at once, one gets it', async () => {
    const miners = Array.from({ length: 10 }, (_, index) => `racer-${index}`);
    for (const id of miners) await register(id, { capabilities: ['race'] });
    const { job_id } = await submit({ model: 'race' });
    const answers = await Promise.all(miners.map(id => tryClaim(job_id, id)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const refused = answers.filter(({ status }) => status !== 200).map(refusal);
    expect(refused).toEqual(Array.from({ length: 9 }, () => [409, 'JOB_ALREADY_CLAIMED']));
  });

  test('jobs with large images are handed out a few at a time, so that no answer grows without bound', async () => {
    await register('images', { capabilities: ['images'] });
    const url = `data:image/png;base64,${'A'.repeat(20_000)}`;
    const messages = [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }];
    const made = Array.from({ length: 5 }, () => ({ model: 'images', messages }));
    await coordinator.call('POST', '/v1/jobs/batch', { jobs: made });
    const counts = [await claims('images', 100), await claims('images', 100), await claims('images', 100)];
    expect(counts.map(jobs => jobs.length)).toEqual([2, 2, 1]);
  });

  test('jobs that have ended are not claimed', async () => {
    await register('ended', { capabilities: ['ended'] });
    const [cancelled, completed, failed, expired] = [
      await submit({ model: 'ended' }),
      await submit({ model: 'ended' }),
      await submit({ model: 'ended' }),
      await submit({ model: 'ended', ttl_seconds: 5 }),
    ];
    await cancel(cancelled.job_id);
    for (const { job_id } of [completed, failed]) await claim(job_id, 'ended');
    await complete(completed.job_id, 'ended');
    await fail(failed.job_id, 'ended', { retryable: false });
    coordinator.moveClock({ seconds: 5 });
    const tried = [cancelled, completed, failed, expired].map(({ job_id }) => tryClaim(job_id, 'ended'));
    expect((await Promise.all(tried)).map(refusal)).toEqual([
      [409, 'JOB_ALREADY_CANCELLED'],
      [409, 'JOB_ALREADY_COMPLETED'],
      [409, 'JOB_INVALID_STATUS'],
      [410, 'JOB_EXPIRED'],
    ]);
  });

  test('what is not there is not claimed', async () => {
    await register('lost');
    expect(refusal(await tryClaim('job-none', 'lost'))).toEqual([404, 'JOB_NOT_FOUND']);
    const { job_id } = await submit();
    expect(refusal(await tryClaim(job_id, 'stranger'))).toEqual([404, 'MINER_NOT_FOUND']);
  });

  test('a miner takes up to max jobs in one step, in their order', async () => {
    await register('many', { capabilities: ['many'] });
    const jobs = [];
    for (let count = 0; count < 5; count++) jobs.push(await submit({ model: 'many' }));
    expect(ids(await claims('many', 3))).toEqual(ids(jobs.slice(0, 3)));
    expect(ids(await claims('many', 3))).toEqual(ids(jobs.slice(3)));
    expect(await claims('many', 3)).toEqual([]);
  });

  test('without a body it takes one', async () => {
    await register('terse', { capabilities: ['terse'] });
    for (let count = 0; count < 2; count++) await submit({ model: 'terse' });
    const { body } = await coordinator.call<ClaimedJobs>('POST', '/v1/miners/terse/claims');
    expect(body.jobs).toHaveLength(1);
  });

  test.each([{ max: 0 }, { max: 257 }, { max: '1' }, { wait: -1 }])(
    'claims of %j are refused',
    async body => {
      await register('wrong');
      expect((await coordinator.call('POST', '/v1/miners/wrong/claims', body)).status).toBe(400);
    },
  );

  test('a miner that waits gets a job as soon as it is submitted', async () => {
    await register('waits', { capabilities: ['waits'] });
    const waiting = coordinator.call<ClaimedJobs>('POST', '/v1/miners/waits/claims', { max: 2, wait: 20 });
    const { job_id } = await submit({ model: 'waits' });
    expect(ids((await waiting).body.jobs)).toEqual([job_id]);
  });

  test('of two miners that wait, each gets one of two jobs', async () => {
    const miners = ['pair-1', 'pair-2'];
    for (const id of miners) await register(id, { capabilities: ['pair'] });
    const waiting = miners.map(id =>
      coordinator.call<ClaimedJobs>('POST', `/v1/miners/${id}/claims`, { wait: 20 }),
    );
    const jobs = [await submit({ model: 'pair' }), await submit({ model: 'pair' })];
    const taken = (await Promise.all(waiting)).flatMap(({ body }) => ids(body.jobs));
    expect(taken.sort()).toEqual(ids(jobs));
  });

  test('a submission that is only repeated takes no wake-up from a job that is handed back', async () => {
    const { scheduling: waits } = coordinator.running.modules;
    const has = { id: 'waits', owner: null, region: null, vram_gb: null, loaded: null, suspended: false };
    const abilities = { capabilities: new Set(['repeated']), passports: new Map(), ...has };
    const waitingMiner = { abilities, score: 1, since: 0 };
    const waitForWork = () => waits.forWork(waitingMiner, 60_000, new AbortController().signal);
    const submitOnce = () =>
      coordinator.call<MinerJob>(
        'POST',
        '/v1/jobs',
        { model: 'repeated', prompt: 'Hello' },
        {
          headers: { 'idempotency-key': 'repeated' },
        },
      );
    await register('first', { capabilities: ['repeated'] });
    const { job_id } = (await submitOnce()).body;
    await claim(job_id, 'first');
    await Promise.all([waitForWork(), submitOnce()]);
    const woken = waitForWork();
    await coordinator.call('POST', `/v1/jobs/${job_id}/release`, { miner_id: 'first' });
    await woken;
  });

  test('no more jobs are leased to a miner than it runs at once', async () => {
    await register('two', { capabilities: ['two'], concurrency: 2 });
    const jobs = [];
    for (let count = 0; count < 3; count++) jobs.push((await submit({ model: 'two' })).job_id);
    expect(await claims('two', 10)).toHaveLength(2);
    expect(await claims('two', 10)).toEqual([]);
    expect(refusal(await tryClaim(jobs[2] ?? '', 'two'))).toEqual([409, 'MINER_CAPACITY_FULL']);
    await complete(jobs[0] ?? '', 'two');
    expect(ids(await claims('two', 10))).toEqual([jobs[2]]);
  });

  test('a job goes to a miner that has what it needs', async () => {
    const model = 'demanding';
    await register('small', { capabilities: [model], gpu_info: { memory: '16GB' }, region: 'eu' });
    await register('far', { capabilities: [model], gpu_info: { memory: '24GB' }, region: 'us' });
    await register('right', { capabilities: [model], gpu_info: { memory: '24576MiB' }, region: 'eu' });
    await register('bare', { capabilities: [model] });
    const { job_id } = await submit({ model, constraints: { min_vram_gb: 24, region: 'eu' } });
    for (const unfit of ['small', 'far', 'bare']) {
      expect(await claims(unfit)).toEqual([]);
      expect(refusal(await tryClaim(job_id, unfit))).toEqual([409, 'JOB_INVALID_STATUS']);
    }
    const [claimed] = await claims('right');
    expect(claimed).toMatchObject({ job_id, constraints: { min_vram_gb: 24, region: 'eu' } });
  });

  test('a miner gets only jobs of models that it offers, whatever they are called', async () => {
    await register('odd', { capabilities: ['constructor', '__proto__'] });
    const jobs = [await submit({ model: 'constructor' }), await submit({ model: '__proto__' })];
    await submit({ model: 'toString' });
    const claimed = await claims('odd', 10);
    expect(ids(claimed).sort()).toEqual(ids(jobs));
    for (const { job_id } of claimed) expect(await complete(job_id, 'odd')).toMatchObject({ price: 0 });
  });

  test('the price limit pays for so long and no longer', async () => {
    await register('cheap', { capabilities: ['cheap'] });
    const { job_id } = await submit({ model: 'cheap', constraints: { max_price: 0.6 } });
    expect(await claim(job_id, 'cheap')).toMatchObject({
      lease_expires_at: inSeconds(60),
      deadline: inSeconds(60),
      constraints: { max_price: 0.6 },
    });
  });

  test('heartbeats extend leases, but not past the deadline', async () => {
    await register('beats', { capabilities: ['beats'] });
    const { job_id } = await submit({ model: 'beats' });
    const { deadline } = await claim(job_id, 'beats');
    for (let beat = 0; beat < 6; beat++) {
      await coordinator.pass({ seconds: 90 });
      const lease_expires_at = beat === 5 ? deadline : inSeconds(120);
      expect((await heartbeat('beats', [job_id])).jobs).toEqual([{ job_id, lease_expires_at, deadline }]);
    }
    await coordinator.pass({ seconds: 60 });
    expect(await heartbeat('beats', [job_id])).toMatchObject({ jobs: [], stop: [{ job_id }] });
  });
});
