import { expect, test } from 'vitest';
import { register, withCoordinator } from './coordinator.ts';

const coordinator = withCoordinator();

test('a registered miner is listed and can be looked up', async () => {
  const { client } = coordinator;
  await client.miners.register({ miner_id: 'looked-up', capabilities: ['m1'], concurrency: 2 });
  const listed = await Array.fromAsync(client.miners.list({ status: 'online' }));
  expect(listed.map(miner => miner.miner_id)).toContain('looked-up');
  expect(await client.miners.get('looked-up')).toMatchObject({ capabilities: ['m1'], concurrency: 2 });
});

test('a miner is offered the job and claims it', async () => {
  const { client } = coordinator;
  const minerId = await register(client, 'offered');
  const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'offered' });
  expect(await client.jobs.available(minerId)).toMatchObject({ job_id, prompt: 'p' });
  expect(await client.jobs.claim(job_id, minerId)).toMatchObject({ job_id, status: 'running', attempt: 1 });
});

test('a miner without eligible jobs is offered null', async () => {
  const minerId = await register(coordinator.client, 'nothing');
  expect(await coordinator.client.jobs.available(minerId)).toBeNull();
});

test('a miner that waits is offered the job that comes', async () => {
  const { client } = coordinator;
  const minerId = await register(client, 'awaited');
  const offer = client.jobs.available(minerId, { wait: 10 });
  const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'awaited' });
  expect(await offer).toMatchObject({ job_id });
});

test('several jobs are claimed at once', async () => {
  const { client } = coordinator;
  const minerId = await register(client, 'several');
  await client.jobs.submitBatch(Array.from({ length: 3 }, () => ({ prompt: 'p', model: 'several' })));
  expect(await client.miners.claimJobs(minerId, { max: 2 })).toHaveLength(2);
});

test('a completion repeated gives the same receipt', async () => {
  const { client } = coordinator;
  const minerId = await register(client, 'repeated');
  const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'repeated' });
  await client.jobs.claim(job_id, minerId);
  const completion = { miner_id: minerId, result: 'r', usage: { completion_tokens: 1 } };
  const receipt = await client.jobs.complete(job_id, completion);
  expect(await client.jobs.complete(job_id, completion)).toEqual(receipt);
});

test('a heartbeat’s answer lists the held jobs and those to stop', async () => {
  const { client } = coordinator;
  const minerId = await register(client, 'beating');
  const [kept, stopped] = await client.jobs.submitBatch([
    { prompt: 'p', model: 'beating' },
    { prompt: 'p', model: 'beating' },
  ]);
  const ids = [kept?.job_id ?? '', stopped?.job_id ?? ''];
  await client.miners.claimJobs(minerId, { max: 2 });
  await client.jobs.cancel(ids[1] ?? '');
  const answer = await client.miners.heartbeat(minerId, ids);
  expect(answer.jobs.map(job => job.job_id)).toEqual([ids[0]]);
  expect(answer.stop).toEqual([{ job_id: ids[1], status: 'cancelled' }]);
});

test('a job released is pending again', async () => {
  const { client } = coordinator;
  const minerId = await register(client, 'released');
  const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'released' });
  await client.jobs.claim(job_id, minerId);
  expect(await client.jobs.release(job_id, minerId)).toMatchObject({ job_id, status: 'pending' });
});

test('a drained miner gets no jobs', async () => {
  const { client } = coordinator;
  const minerId = await register(client, 'drained');
  await client.jobs.submit({ prompt: 'p', model: 'drained' });
  expect(await client.miners.drain(minerId)).toMatchObject({ status: 'draining' });
  expect(await client.miners.claimJobs(minerId)).toEqual([]);
});

test('a deregistered miner is not found', async () => {
  const minerId = await register(coordinator.client, 'gone');
  await coordinator.client.miners.deregister(minerId);
  await expect(coordinator.client.miners.get(minerId)).rejects.toMatchObject({
    errorCode: 'MINER_NOT_FOUND',
  });
});
