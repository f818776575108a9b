import type { Job, MinerDetail, NetworkStats, Receipt, SubmitJob } from '@aitbc/protocol';
import { verifyDisclosure } from '@aitbc/receipts';
import { expect, test } from 'vitest';
import { refusal } from './harness/answers.ts';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine } from './harness/engines.ts';
import { violations } from './invariants/violations.ts';

const DETERMINISTIC = { params: { temperature: 0, seed: 1 } };

describeEachEngine('a job with replication', engine => {
  const coordinator = withCoordinator(engine);
  const { submit, job, cancel, register, claims, available, complete, fail, heartbeat } =
    actions(coordinator);
  const replicated = (model: string, more: Partial<SubmitJob> = {}) =>
    submit({ model, replication: 3, ...DETERMINISTIC, ...more });
  const miner = async (id: string) => (await coordinator.call<MinerDetail>('GET', `/v1/miners/${id}`)).body;
  const jobsListed = async (model: string) =>
    (await coordinator.call<Job[]>('GET', `/v1/jobs?model=${model}`)).body.map(({ job_id }) => job_id);
  const sound = async () => expect(await violations(coordinator.running.modules.store.read)).toEqual([]);

  /** Miners of as many owners, by the names of the model and a letter. */
  async function miners(model: string, count = 3) {
    const ids = Array.from({ length: count }, (_, at) => `${model}-${'abcde'[at]}`);
    for (const id of ids) await register(id, { capabilities: [model] });
    return ids as [string, string, string, string];
  }

  /** The miner claims what it may have, and hands in this result. */
  async function run(id: string, result = 'The answer'): Promise<Receipt> {
    const [claimed] = await claims(id);
    if (!claimed) throw new Error(`${id} got nothing`);
    return await complete(claimed.job_id, id, result);
  }

  test('completes with the result of most of its runs, on miners of different owners', async () => {
    const [a, b, c] = await miners('most');
    const { job_id, runs = [], ...submitted } = await replicated('most', { metadata: { mine: true } });
    expect(submitted).toMatchObject({ status: 'pending', attempts: 0, max_attempts: 9, result: null });
    expect(runs).toMatchObject(Array(3).fill({ status: 'pending', agrees: null }));

    const liar = await run(a, 'A lie');
    expect(await job(job_id)).toMatchObject({
      status: 'running',
      attempts: 1,
      result: null,
      receipt_id: null,
    });
    const honest = await run(b);
    await run(c);

    const found = await job(job_id);
    expect(found).toMatchObject({
      ...{ status: 'completed', result: 'The answer', attempts: 3, error: null },
      ...{
        miner_id: b,
        receipt_id: honest.receipt_id,
        metadata: { mine: true },
        params: DETERMINISTIC.params,
      },
    });
    expect(found.runs?.map(({ miner_id, agrees }) => [miner_id, agrees]).sort()).toEqual([
      [a, false],
      [b, true],
      [c, true],
    ]);
    expect(found.runs?.map(run => run.receipt_id)).toContain(liar.receipt_id);
    const reputations = await Promise.all([a, b, c].map(async id => (await miner(id)).reputation));
    expect(reputations.map(({ disagreements }) => disagreements)).toEqual([1, 0, 0]);
    expect(reputations.map(({ agreements }) => agreements)).toEqual([0, 1, 1]);
    await sound();
  });

  test('has receipts that open with the salts it shows', async () => {
    const [a, b] = await miners('opens');
    const { job_id } = await replicated('opens');
    const receipts = [await run(a), await run(b)];
    const { salt, prompt, result, runs = [] } = await job(job_id);
    const texts = { prompt: prompt ?? '', result: result ?? '' };
    expect(verifyDisclosure({ receipt: receipts[0] as Receipt, salt, ...texts })).toMatchObject({
      prompt: true,
      result: true,
    });
    for (const receipt of receipts) {
      const own = runs.find(({ receipt_id }) => receipt_id === receipt.receipt_id);
      expect(verifyDisclosure({ receipt, salt: own?.salt ?? '', ...texts })).toMatchObject({ result: true });
    }
  });

  test('needs no third run once two agree: one that waits is dropped, one that runs may end', async () => {
    const [a, b, c] = await miners('early');
    const waiting = await replicated('early');
    await run(a);
    await run(b);
    expect((await job(waiting.job_id)).runs?.map(({ status }) => status).sort()).toEqual([
      ...['cancelled', 'completed', 'completed'],
    ]);
    expect(await claims(c)).toEqual([]);

    const running = await replicated('early');
    const [late] = await claims(c);
    await run(a);
    await run(b);
    expect(await job(running.job_id)).toMatchObject({ status: 'completed' });
    await complete(late?.job_id ?? '', c, 'Something else');
    expect((await miner(c)).reputation).toMatchObject({ agreements: 0, disagreements: 1 });
    await sound();
  });

  test('fails where too few agree, and nobody is blamed', async () => {
    const [a, b, c] = await miners('quarrel');
    const { job_id } = await replicated('quarrel');
    await run(a, 'One');
    await run(b, 'Two');
    expect(await job(job_id)).toMatchObject({ status: 'running' });
    await run(c, 'Three');
    const { status, error, completed_at } = await job(job_id);
    expect([status, error?.error_code]).toEqual(['failed', 'RESULTS_DISAGREE']);
    expect(completed_at).not.toBeNull();
    expect((await miner(a)).reputation).toMatchObject({ agreements: 0, disagreements: 0 });
    await sound();
  });

  test('is one job to its client, wherever that looks', async () => {
    const [a] = await miners('one-job');
    const stats = async () => (await coordinator.call<NetworkStats>('GET', '/v1/stats')).body;
    const before = await stats();
    const { job_id, runs = [] } = await replicated('one-job');
    await claims(a);
    const { total_jobs, pending_jobs } = await stats();
    expect([total_jobs, pending_jobs]).toEqual([before.total_jobs + 1, before.pending_jobs]);
    expect(await jobsListed('one-job')).toEqual([job_id]);
    for (const run of runs)
      for (const [method, path] of [
        ['GET', ''],
        ['GET', '/events'],
        ['GET', '/receipt'],
        ['POST', '/cancel'],
      ] as const)
        expect(refusal(await coordinator.call(method, `/v1/jobs/${run.job_id}${path}`))).toEqual([
          404,
          'JOB_NOT_FOUND',
        ]);
  });

  test('looks like any job to its miners, which know nothing of the others', async () => {
    const [a] = await miners('unseen');
    const plain = await submit({ model: 'unseen', ...DETERMINISTIC });
    const [ordinary] = await claims(a);
    const { job_id } = await replicated('unseen');
    const [run] = await claims(a);
    expect(ordinary?.job_id).toBe(plain.job_id);
    expect(Object.keys(run ?? {})).toEqual(Object.keys(ordinary ?? {}));
    expect(JSON.stringify(run)).not.toContain(job_id);
    const asked = await coordinator.call('POST', `/v1/jobs/${job_id}/claim`, { miner_id: a });
    expect(refusal(asked)).toEqual([404, 'JOB_NOT_FOUND']);
  });

  test('gives an owner one run, however many miners it has and however they ask', async () => {
    const address = { address: 'ait1m05xcuv9pfqrzfdxxg2gmqmdwfn4827fzgztyk' };
    for (const id of ['same-1', 'same-2']) await register(id, { capabilities: ['same'], ...address });
    const { runs = [] } = await replicated('same');
    expect([...(await claims('same-1', 5)), ...(await claims('same-2', 5))]).toHaveLength(1);
    expect(await available('same-2')).toBeNull();
    const byId = runs.map(({ job_id }) =>
      coordinator.call('POST', `/v1/jobs/${job_id}/claim`, { miner_id: 'same-2' }),
    );
    expect((await Promise.all(byId)).map(({ status }) => status).sort()).toEqual([404, 404, 409]);
  });

  test('holds up nothing else of a miner that has had its run', async () => {
    const [a] = await miners('behind');
    for (let times = 0; times < 5; times++) await replicated('behind');
    const { job_id } = await submit({ model: 'behind' });
    expect(await claims(a, 20)).toHaveLength(6);
    expect((await job(job_id)).status).toBe('running');
  });

  test('tries a run that failed again with another owner', async () => {
    const [a, b, c, d] = await miners('again', 4);
    const { job_id } = await replicated('again');
    const [failing] = await claims(a);
    await fail(failing?.job_id ?? '', a);
    await coordinator.pass({ seconds: 2 });
    expect(await claims(a)).toEqual([]);
    await run(b);
    await run(c, 'A lie');
    await run(d);
    expect(await job(job_id)).toMatchObject({ status: 'completed', miner_id: b, attempts: 4 });
    expect((await miner(a)).reputation.failures).toBeCloseTo(1);
    await sound();
  });

  test('gives what was offered and not claimed to another', async () => {
    const [a, b] = await miners('offered', 2);
    const { job_id } = await replicated('offered', { replication: 2 });
    const offer = await available(a);
    await coordinator.pass({ seconds: 6 });
    await run(b);
    expect((await available(a))?.job_id).not.toBe(offer?.job_id);
    await run(a);
    expect(await job(job_id)).toMatchObject({ status: 'completed' });
  });

  test('fails with its runs where too few can have a result', async () => {
    const [a, b] = await miners('hopeless');
    const { job_id } = await replicated('hopeless', { max_attempts: 1 });
    for (const id of [a, b]) {
      const [claimed] = await claims(id);
      await fail(claimed?.job_id ?? '', id, { retryable: false });
    }
    const { status, error, runs = [] } = await job(job_id);
    expect([status, error?.error_code]).toEqual(['failed', 'MINER_FAILED']);
    expect(runs.map(run => run.status).sort()).toEqual(['cancelled', 'failed', 'failed']);
    await sound();
  });

  test('expires where too few owners have a miner for it', async () => {
    const [a] = await miners('lonely', 1);
    const untouched = await replicated('lonely', { ttl_seconds: 60 });
    const begun = await replicated('lonely', { ttl_seconds: 60, replication: 2 });
    await claims(a);
    await run(a);
    await coordinator.pass({ seconds: 61 });
    for (const { job_id } of [untouched, begun]) {
      const { status, error } = await job(job_id);
      expect([status, error?.error_code]).toEqual(['failed', 'JOB_EXPIRED']);
    }
    await sound();
  });

  test('waits again when a miner is not heard of any more', async () => {
    const [a] = await miners('silent');
    const { job_id } = await replicated('silent');
    await claims(a);
    await coordinator.pass({ seconds: 121 });
    expect(await job(job_id)).toMatchObject({ status: 'pending', started_at: null });
    expect((await miner(a)).reputation.timeouts).toBeCloseTo(1);
    await sound();
  });

  test('is cancelled with all of its runs, and their miners are told', async () => {
    const [a, b] = await miners('regret');
    const { job_id } = await replicated('regret');
    await run(a);
    const [running] = await claims(b);
    expect(await cancel(job_id)).toMatchObject({ status: 'cancelled' });
    expect(await heartbeat(b, [running?.job_id ?? ''])).toMatchObject({
      stop: [{ job_id: running?.job_id, status: 'cancelled' }],
    });
    expect(await claims(b)).toEqual([]);
    await sound();
  });

  test('is the same one when it is submitted again', async () => {
    const request = { prompt: 'p', model: 'repeated', replication: 3, ...DETERMINISTIC };
    const headers = { 'idempotency-key': 'replicated' };
    const answers = [1, 2].map(() => coordinator.call<Job>('POST', '/v1/jobs', request, { headers }));
    const [first, second] = (await Promise.all(answers)).map(({ body }) => body);
    expect(second).toEqual(first);
    expect(await jobsListed('repeated')).toHaveLength(1);
  });

  test('is told to who waits for it', async () => {
    const [a, b] = await miners('awaited');
    const { job_id } = await replicated('awaited');
    const waiting = coordinator.call<Job>('GET', `/v1/jobs/${job_id}?wait=20`);
    await run(a);
    await run(b);
    expect((await waiting).body).toMatchObject({ status: 'completed', result: 'The answer' });
  });

  test.each([
    ['without parameters', {}, ['VALIDATION_MISSING_FIELD', 'params.temperature']],
    [
      'with a temperature',
      { params: { temperature: 0.1, seed: 1 } },
      ['VALIDATION_OUT_OF_RANGE', 'params.temperature'],
    ],
    ['without a seed', { params: { temperature: 0 } }, ['VALIDATION_MISSING_FIELD', 'params.seed']],
    ['that streams', { ...DETERMINISTIC, stream: true }, ['VALIDATION_INVALID_FORMAT', 'stream']],
    ['of 0', { ...DETERMINISTIC, replication: 0 }, ['VALIDATION_OUT_OF_RANGE', 'replication']],
    ['of 10', { ...DETERMINISTIC, replication: 10 }, ['VALIDATION_OUT_OF_RANGE', 'replication']],
  ])('%s is refused', async (_, more, [code, field]) => {
    const request = { prompt: 'p', model: 'm', replication: 2, ...more };
    expect(refusal(await coordinator.call('POST', '/v1/jobs', request))).toEqual([400, code, field]);
  });

  test('of 1 is a job like any other', async () => {
    const single = await submit({ model: 'single', replication: 1 });
    expect(single.runs).toBeUndefined();
  });
});

describeEachEngine('replication where clients pay ahead', engine => {
  const coordinator = withCoordinator(engine, { billing: 'prepaid', rate: 0.01, jobTimeoutSeconds: 100 });

  test('sets aside what each run may cost, and gives back what is left', async () => {
    const key = await coordinator.key('client', 'miner');
    const { submit, register, claims, complete } = actions(coordinator, key);
    const account = async () =>
      (
        await coordinator.call<{ address: string; reserved: number }>('GET', '/v1/account', undefined, {
          key,
        })
      ).body;
    const grant = { to: (await account()).address, amount: 1.5 };
    await coordinator.call('POST', '/v1/grants', grant, { key: await coordinator.key('admin') });
    const other = actions(coordinator, await coordinator.key('miner'));
    await register('paid-a');
    await other.register('paid-b');
    await expect(submit({ replication: 3, ...DETERMINISTIC })).rejects.toThrow('may cost up to 1.8 credits');
    await submit({ replication: 2, ...DETERMINISTIC });
    expect((await account()).reserved).toBe(1.2);
    const [mine] = await claims('paid-a');
    await complete(mine?.job_id ?? '', 'paid-a');
    expect((await account()).reserved).toBe(0.6);
    const [theirs] = await other.claims('paid-b');
    await other.complete(theirs?.job_id ?? '', 'paid-b');
    expect((await account()).reserved).toBe(0);
    expect(await violations(coordinator.running.modules.store.read)).toEqual([]);
  });
});
