import { describe, expect, test } from 'vitest';
import { withCoordinator } from './coordinator.ts';
import { engine } from './engine.ts';
import { mine } from './mining.ts';
import { clientOver, received } from './network.ts';

const HOUR_MS = 3_600_000;

describe('a lease that ran out', () => {
  let aheadMs = 0;
  const coordinator = withCoordinator({
    ...{ now: () => Date.now() + aheadMs, sweepSeconds: 60, retryBackoffSeconds: 0 },
  });

  /** Lets time pass until the miner has lost the job, whenever its heartbeats come. */
  async function takeAway(jobId: string): Promise<void> {
    const { attempts } = await coordinator.client.jobs.get(jobId);
    const isHeld = async () => {
      const job = await coordinator.client.jobs.get(jobId);
      return job.status === 'running' && job.attempts === attempts;
    };
    while (await isHeld()) {
      aheadMs += 5_000;
      await coordinator.running.sweep();
    }
  }

  test('stops the job, which belongs to another miner by then', async () => {
    const { client } = coordinator;
    const hand = engine('expired');
    const miner = await mine({ client, backend: hand.backend });
    await client.miners.register({ miner_id: 'other', capabilities: ['expired'] });
    const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'expired' });
    const { generation } = await hand.next();
    await takeAway(job_id);
    await client.jobs.claim(job_id, 'other');
    expect(await miner.when('job_stopped')).toEqual({ event: 'job_stopped', job_id, reason: 'lost' });
    expect(generation.signal.aborted).toBe(true);
    expect(await client.jobs.get(job_id)).toMatchObject({ status: 'running', miner_id: 'other' });
  });

  test('and came back to the miner does not run the job twice', async () => {
    const { client, url } = coordinator;
    const hand = engine('again');
    const leasedAgain = Promise.withResolvers<void>();
    let leases = 0;
    const network = clientOver(url, /\/claims$/, async send => {
      const whole = await received(await send());
      if (/job-/.test(await whole.clone().text()) && ++leases === 2) leasedAgain.resolve();
      return whole;
    });
    const miner = await mine({ client: network, backend: hand.backend, concurrency: 2, maxJobs: 2 });
    const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'again' });
    const { finish } = await hand.next();
    await takeAway(job_id);
    await leasedAgain.promise;
    finish('once');
    await miner.done;
    expect(miner.events.filter(({ event }) => event === 'job_started')).toHaveLength(1);
    expect(miner.events.at(-1)).toMatchObject({ event: 'stopped', completed: 1 });
    expect(await client.jobs.get(job_id)).toMatchObject({ status: 'completed', result: 'once' });
  });
});

describe('a stream whose lease ran out', () => {
  let aheadMs = 0;
  const coordinator = withCoordinator({
    ...{ now: () => Date.now() + aheadMs, sweepSeconds: 60, retryBackoffSeconds: 0 },
  });

  test('and came back to the miner starts again and is complete', async () => {
    const { client, url } = coordinator;
    const hand = engine('again');
    await mine({ client, backend: hand.backend, concurrency: 2 });
    const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'again', stream: true });
    const { generation, finish } = await hand.next();
    const posted = async (chunks: number) => {
      const rows = () =>
        coordinator.running.modules.store.read.selectFrom('job_stream').selectAll().execute();
      await expect.poll(rows).toMatchObject([{ chunks }]);
    };
    generation.onToken?.('one ');
    await posted(1);
    generation.onToken?.('two ');
    await posted(2);
    const claimedAgain = async () => {
      aheadMs += 5_000;
      await coordinator.running.sweep();
      return (await client.jobs.get(job_id)).attempts;
    };
    await expect.poll(claimedAgain).toBe(2);
    generation.onToken?.('three');
    await posted(3);
    finish('one two three');
    await client.jobs.wait(job_id);
    const events = await (await fetch(`${url}/v1/jobs/${job_id}/events`)).text();
    // A chunk never changes its place, also in another attempt of the same miner.
    const texts = Array.from(events.matchAll(/"index":(\d+),"text":"([^"]+)"/g), ([, ...chunk]) => chunk);
    expect(texts).toEqual([
      ['0', 'one '],
      ['1', 'two '],
      ['2', 'three'],
    ]);
  });
});

describe('a deadline', () => {
  const hurried = withCoordinator({ jobTimeoutSeconds: 1, retryBackoffSeconds: 60 });

  test('stops the job shortly before, so that another miner gets it without waiting', async () => {
    const { client } = hurried;
    const hand = engine('endless');
    const miner = await mine({ client, backend: hand.backend });
    const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'endless' });
    const { generation } = await hand.next();
    const error = 'The miner did not finish before the deadline';
    expect(await miner.when('job_failed')).toMatchObject({ job_id, error, retryable: true });
    expect(generation.signal.aborted).toBe(true);
    expect(await client.jobs.get(job_id)).toMatchObject({ status: 'pending', attempts: 1 });
  });

  const now = () => Date.now() - 2 * HOUR_MS;
  const behind = withCoordinator({ now });

  test('follows the coordinator’s clock', async () => {
    const { client } = behind;
    const hand = engine('behind');
    await mine({ client, backend: hand.backend, now });
    const { job_id } = await client.jobs.submit({ prompt: 'p', model: 'behind' });
    const { finish } = await hand.next();
    finish('in time');
    expect(await client.jobs.wait(job_id)).toMatchObject({ status: 'completed', attempts: 1 });
  });
});
