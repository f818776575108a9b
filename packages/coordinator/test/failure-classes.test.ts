import type { FailJob, Job, Miner } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { refusal } from './harness/answers.ts';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeOneEngine } from './harness/engines.ts';

const REFUSED = {
  error: 'This model has a context of 4096 tokens',
  error_class: 'refused',
  engine_code: 'context_length_exceeded',
} as const;

describeOneEngine('a job whose miner reports a class of failure', engine => {
  const coordinator = withCoordinator(engine, { mode: 'keyed', retryBackoffSeconds: 0 });
  let models = 0;

  /** Owners of a miner each, of one model, and a client. The first of them holds the client's job. */
  async function scene(owners: number, job: object = {}) {
    const model = `classes-${++models}`;
    const client = actions(coordinator, await coordinator.key('client'));
    const miners = [];
    for (let index = 0; index < owners; index++) {
      const key = await coordinator.key('miner');
      const id = `${model}-${index}`;
      const owner = actions(coordinator, key);
      await owner.register(id, { capabilities: [model] });
      const report = (jobId: string, failure: Partial<FailJob>) =>
        owner.fail(jobId, id, { error: 'Something', ...failure });
      miners.push({ id, key, ...owner, report, take: async () => (await owner.claims(id)).length });
    }
    const { job_id } = await client.submit({ model, ...job });
    await miners[0]?.claims(miners[0].id);
    const read = () => client.job(job_id);
    const [first, second, third] = miners as [(typeof miners)[0], (typeof miners)[0], (typeof miners)[0]];
    const standing = async ({ id }: { id: string }) =>
      (await coordinator.call<Miner>('GET', `/v1/miners/${id}`, undefined, { key: first.key })).body
        .reputation;
    return { model, client, job_id, read, first, second, third, standing };
  }

  test('is refused at once where no other owner could try it, with the code of the engine', async () => {
    const { job_id, read, first, standing } = await scene(1);
    await first.report(job_id, REFUSED);
    expect(await read()).toMatchObject({
      status: 'failed',
      error: {
        error_code: 'JOB_REFUSED',
        detail: REFUSED.error,
        error_class: 'refused',
        engine_code: 'context_length_exceeded',
      },
    });
    expect(await standing(first)).toMatchObject({ score: 0.9, failures: 0 });
  });

  test('is refused when another owner’s miner says the same, and nobody’s reputation moves', async () => {
    const { job_id, read, first, second, standing } = await scene(2);
    await first.report(job_id, REFUSED);
    expect(await read()).toMatchObject({ status: 'pending', attempts: 0 });
    expect(await first.take()).toBe(0);
    expect(await second.take()).toBe(1);
    await second.report(job_id, REFUSED);
    expect(await read()).toMatchObject({ status: 'failed', error: { error_code: 'JOB_REFUSED' } });
    for (const miner of [first, second]) expect(await standing(miner)).toMatchObject({ score: 0.9 });
  });

  test('is done where another owner’s miner can do what the first refused', async () => {
    const { job_id, read, first, second } = await scene(2, { max_attempts: 1 });
    await first.report(job_id, { retryable: false });
    await second.take();
    await second.complete(job_id, second.id);
    expect(await read()).toMatchObject({ status: 'completed', attempts: 1 });
  });

  test('is not held up by owners who take no jobs: the second word of the first is enough', async () => {
    const { job_id, read, first, second } = await scene(2);
    await first.report(job_id, REFUSED);
    await coordinator.pass({ seconds: 299 });
    await second.heartbeat(second.id);
    expect(await first.take()).toBe(0);
    await coordinator.pass({ seconds: 1 });
    expect(await first.take()).toBe(1);
    await first.report(job_id, REFUSED);
    expect((await read()).error?.error_code).toBe('JOB_REFUSED');
  });

  test('goes to another miner, of the same owner too, when an engine lacks what it takes', async () => {
    const { model, job_id, read, first } = await scene(1, { max_attempts: 1 });
    await first.register(`${model}-other`, { capabilities: [model] });
    await first.report(job_id, { error_class: 'unsupported', error: 'No route /v1/embeddings' });
    expect(await read()).toMatchObject({ status: 'pending', attempts: 0 });
    expect(await first.take()).toBe(0);
    expect(await first.claims(`${model}-other`)).toHaveLength(1);
    await first.fail(job_id, `${model}-other`, { error: 'Nor here', error_class: 'unsupported' });
    expect(await read()).toMatchObject({
      status: 'failed',
      error: { error_code: 'JOB_UNSUPPORTED', error_class: 'unsupported', detail: 'Nor here' },
    });
  });

  test('goes elsewhere at once when an engine is busy, and back when that had said', async () => {
    const { job_id, read, first, second, standing } = await scene(2);
    const busy = { error_class: 'busy', retry_after: 30 } as const;
    await first.report(job_id, busy);
    expect(await read()).toMatchObject({ status: 'pending', attempts: 1 });
    expect(await first.take()).toBe(0);
    expect(await second.take()).toBe(1);
    await second.report(job_id, busy);
    expect([await first.take(), await second.take()]).toEqual([0, 0]);
    await coordinator.pass({ seconds: 30 });
    expect(await first.take()).toBe(1);
    await first.report(job_id, busy);
    expect(await read()).toMatchObject({
      status: 'failed',
      attempts: 3,
      error: { error_code: 'MINERS_BUSY', error_class: 'busy' },
    });
    for (const miner of [first, second]) expect(await standing(miner)).toMatchObject({ score: 0.9 });
  });

  test.each(['fail', 'release', 'lose', 'leave'])(
    'does not go back to the owner that did %s it while another could run it',
    async how => {
      const { model, client, job_id, first, second } = await scene(2);
      await first.register(`${model}-too`, { capabilities: [model] });
      if (how === 'fail') await first.report(job_id, { error_class: 'broken' });
      if (how === 'release')
        await coordinator.call('POST', `/v1/jobs/${job_id}/release`, { miner_id: first.id }, first);
      if (how === 'leave')
        await coordinator.call('DELETE', `/v1/miners/${first.id}`, undefined, { key: first.key });
      if (how === 'lose') await coordinator.pass({ seconds: 120 });
      await second.heartbeat(second.id);
      const mine = `${model}-too`;
      const refused = await coordinator.call('POST', `/v1/jobs/${job_id}/claim`, { miner_id: mine }, first);
      expect(refusal(refused)).toEqual([409, 'JOB_INVALID_STATUS']);
      expect(await first.claims(mine)).toEqual([]);
      expect(await first.available(mine)).toBeNull();
      // Behind it, others are there for everyone.
      const { job_id: next } = await client.submit({ model });
      expect(await first.claims(mine)).toMatchObject([{ job_id: next }]);
      expect(await second.claims(second.id, 5)).toMatchObject([{ job_id }]);
    },
  );

  test('goes back to an owner that failed with it when nobody else is there any more', async () => {
    const { job_id, read, first, second } = await scene(2);
    await first.report(job_id, { error_class: 'broken' });
    expect(await first.take()).toBe(0);
    await coordinator.call('POST', `/v1/miners/${second.id}/drain`, {}, second);
    expect(await first.take()).toBe(1);
    await first.complete(job_id, first.id);
    expect((await read()).status).toBe('completed');
  });

  test('wakes a waiting miner of another owner, not the one that gave it back', async () => {
    const { job_id, first, second } = await scene(2);
    const wait = (miner: typeof first) =>
      coordinator.call<{ jobs: Job[] }>('POST', `/v1/miners/${miner.id}/claims`, { wait: 2 }, miner);
    const waiting = [wait(first), wait(second)];
    await first.report(job_id, { error_class: 'broken' });
    const [own, others] = await Promise.all(waiting);
    expect([own?.body.jobs, others?.body.jobs]).toMatchObject([[], [{ job_id }]]);
  });
});
