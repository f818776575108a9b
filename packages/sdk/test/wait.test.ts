import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { JobTimeoutError } from '../src/index.ts';
import { answer, brokenNetwork, hang, reset } from './network.ts';

const pending = answer(200, { job_id: 'job-1', status: 'pending' });
const completed = answer(200, { job_id: 'job-1', status: 'completed', result: 'done' });

test('waiting asks for long polls until the job has ended', async () => {
  const { client, seen } = await brokenNetwork([pending, pending, completed]);
  expect(await client.jobs.wait('job-1')).toMatchObject({ status: 'completed', result: 'done' });
  expect(seen.map(request => request.url)).toEqual(Array(3).fill('/v1/jobs/job-1?wait=20'));
});

test('a coordinator that does not hold the request is asked at most once a second', async () => {
  const { client, slept } = await brokenNetwork([pending, pending, completed]);
  await client.jobs.wait('job-1');
  expect(slept).toEqual([1000, 1000]);
});

test('a coordinator that held the request is asked again at once', async () => {
  let time = 0;
  const now = () => {
    time += 2_000;
    return time;
  };
  const { client, slept } = await brokenNetwork([pending, pending, completed], { now });
  await client.jobs.wait('job-1');
  expect(slept).toEqual([]);
});

test('waiting outlasts an outage of any length once the coordinator has answered', async () => {
  const outage = Array(12).fill(reset);
  const { client } = await brokenNetwork([pending, ...outage, completed]);
  expect(await client.jobs.wait('job-1')).toMatchObject({ status: 'completed' });
});

test('waiting gives up after the usual retries when the coordinator never answered', async () => {
  const { client, seen } = await brokenNetwork([reset]);
  await expect(client.jobs.wait('job-1')).rejects.toMatchObject({ name: 'ConnectionError' });
  expect(seen).toHaveLength(3);
});

test('the timeout error has the job as last seen', async () => {
  const { client } = await brokenNetwork([pending, hang]);
  const error = await client.jobs.wait('job-1', 50).catch(error => error);
  expect(error).toBeInstanceOf(JobTimeoutError);
  expect(error).toMatchObject({ jobId: 'job-1', timeout: 50, job: { status: 'pending' } });
});

test('aborting ends the wait with the reason of the signal', async () => {
  const reason = new Error('changed my mind');
  const aborter = new AbortController();
  const { client } = await brokenNetwork([pending, () => aborter.abort(reason)]);
  await expect(client.jobs.wait('job-1', { signal: aborter.signal })).rejects.toBe(reason);
});

test('onUpdate gets each answer, including the last one', async () => {
  const shown: string[] = [];
  const { client } = await brokenNetwork([pending, completed]);
  await client.jobs.wait('job-1', { onUpdate: job => shown.push(job.status) });
  expect(shown).toEqual(['pending', 'completed']);
});

test('an unavailable database is waited for until the timeout, from the first request on', async () => {
  const body = { status: 503, error_code: 'SYSTEM_OVERLOADED', detail: 'The database does not answer' };
  const away = answer(503, body, { 'retry-after': '1' });
  const { client, slept } = await brokenNetwork([...Array(40).fill(away), pending, completed]);
  expect(await client.jobs.wait('job-1')).toMatchObject({ status: 'completed' });
  expect(slept.reduce((sum, ms) => sum + ms)).toBeGreaterThan(30_000);
});

test('a timeout while the database is unavailable has the job as last seen', async () => {
  const { client } = await brokenNetwork([pending, answer(503, {}, { 'retry-after': '1' })], {
    sleep: (ms, signal) => setTimeout(Math.min(ms, 5), undefined, { signal }).catch(() => {}),
  });
  const error = await client.jobs.wait('job-1', 200).catch(error => error);
  expect(error).toMatchObject({ name: 'JobTimeoutError', job: { status: 'pending' } });
});
