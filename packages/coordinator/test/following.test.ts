import { once } from 'node:events';
import { connect } from 'node:net';
import type { PostedChunks } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { refusal } from './harness/answers.ts';
import {
  actions,
  startTestCoordinator,
  type TestCoordinator,
  withCoordinator,
} from './harness/coordinator.ts';
import { describeEachEngine, describeOneEngine } from './harness/engines.ts';
import { inShort, type Listener, listenTo } from './harness/events.ts';

const DAY = 24 * 3600;
let names = 0;

/** A job that runs and streams. */
async function running(coordinator: TestCoordinator, key?: string) {
  const { register, submit, claims } = actions(coordinator, key);
  const miner = `m${++names}`;
  await register(miner, { capabilities: [miner] });
  const { job_id } = await submit({ model: miner, stream: true });
  await claims(miner);
  const post = (first: number, chunks: string[]) =>
    coordinator.call<PostedChunks>(
      'POST',
      `/v1/jobs/${job_id}/chunks`,
      { miner_id: miner, first, chunks },
      key === undefined ? {} : { key },
    );
  return { job_id, miner, post };
}

const textOf = (told: Awaited<ReturnType<Listener['until']>>) =>
  told.map(event => (event.event === 'chunk' ? event.data.text : '')).join('');

/** Rows that hold streamed text. */
const rowsOf = async ({ running }: TestCoordinator) => {
  const { read } = running.modules.store;
  const chunks = await read.selectFrom('job_chunk').select('id').execute();
  return chunks.length + (await read.selectFrom('job_stream').select('job_id').execute()).length;
};

describeOneEngine('whoever reads slowly, or nothing for a while', engine => {
  const coordinator = withCoordinator(engine, { streamHeartbeatSeconds: 0.05, streamLimit: 8 * 2 ** 20 });

  test('is told now and then that the connection lives', async () => {
    const { job_id, post } = await running(coordinator);
    const listener = await listenTo(coordinator.url, job_id);
    await listener.until('status');
    await listener.comment();
    await listener.comment();
    await post(0, ['a']);
    expect(inShort(await listener.until('chunk'))).toEqual(['"a"']);
    listener.disconnect();
  });

  test('does not slow a miner by reading slowly, and then gets everything', async () => {
    const { job_id, miner, post } = await running(coordinator);
    // It asks, and reads nothing.
    const slow = connect(Number(new URL(coordinator.url).port), '127.0.0.1');
    await once(slow, 'connect');
    slow.pause();
    slow.write(`GET /v1/jobs/${job_id}/events HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n`);
    const text = 'x'.repeat(16_000);
    const asMuchAsItTakes = 400;
    for (let first = 0; first < asMuchAsItTakes; first += 50) {
      const { status } = await post(first, Array<string>(50).fill(text));
      expect(status).toBe(200);
    }
    await actions(coordinator).complete(job_id, miner, 'done');
    slow.resume();
    const answer = (await slow.toArray()).join('');
    expect(answer.split(text)).toHaveLength(asMuchAsItTakes + 1);
    expect(answer).toContain('event: receipt');
  });
});

describeEachEngine('who follows a job', engine => {
  const coordinator = withCoordinator(engine);

  test('is many: each of 50 reads its own job, in order and to its end', async () => {
    const jobs = await Promise.all(Array.from({ length: 50 }, () => running(coordinator)));
    const listeners = await Promise.all(jobs.map(({ job_id }) => listenTo(coordinator.url, job_id)));
    const heard = listeners.map(listener => listener.until('end'));
    const words = Array.from({ length: 8 }, (_, index) => `word ${index} `);
    await Promise.all(
      jobs.map(async ({ job_id, miner, post }) => {
        for (const [index, word] of words.entries()) await post(index, [`${word}of ${miner}`]);
        await actions(coordinator).complete(job_id, miner, 'done');
      }),
    );
    for (const [index, told] of (await Promise.all(heard)).entries()) {
      expect(textOf(told)).toBe(words.map(word => `${word}of ${jobs[index]?.miner}`).join(''));
      expect(told.at(-1)).toMatchObject({ event: 'receipt', data: { job_id: jobs[index]?.job_id } });
    }
  });

  test('is many at one job', async () => {
    const { job_id, miner, post } = await running(coordinator);
    const listeners = await Promise.all(Array.from({ length: 20 }, () => listenTo(coordinator.url, job_id)));
    for (let index = 0; index < 10; index++) await post(index, [`${index}`]);
    await actions(coordinator).complete(job_id, miner);
    for (const listener of listeners) expect(textOf(await listener.until('end'))).toBe('0123456789');
  });
});

describeOneEngine('followers', engine => {
  const coordinator = withCoordinator(engine, { mode: 'keyed', maxStreams: 3, maxStreamsPerAccount: 2 });

  const tryFollow = (jobId: string, key: string) =>
    coordinator.call('GET', `/v1/jobs/${jobId}/events`, undefined, { key });

  /** Follows a job of a client of its own, as often as told. */
  async function follow(times: number) {
    const key = await coordinator.key('client', 'miner');
    const { job_id } = await running(coordinator, key);
    const listen = async () => {
      const listener = await listenTo(coordinator.url, job_id, { key });
      await listener.until('status');
      return listener;
    };
    const listeners: Listener[] = [];
    for (let count = 0; count < times; count++) listeners.push(await listen());
    return { key, job_id, listen, listeners };
  }

  test('are so many of one account, until one hangs up', async () => {
    const { key, job_id, listeners, listen } = await follow(2);
    const answer = await tryFollow(job_id, key);
    expect(refusal(answer)).toEqual([429, 'RATE_LIMIT_EXCEEDED']);
    expect(answer.headers.get('retry-after')).toBe('1');
    listeners[0]?.disconnect();
    const again = await expect
      .poll(() => listen().catch(() => undefined))
      .toBeDefined()
      .then(listen);
    for (const listener of [...listeners, again]) listener.disconnect();
  });

  test('are so many in all', async () => {
    const others = [await follow(2), await follow(1)];
    const { key, job_id } = await follow(0);
    expect(refusal(await tryFollow(job_id, key))).toEqual([503, 'SYSTEM_OVERLOADED']);
    for (const { listeners } of others) for (const listener of listeners) listener.disconnect();
    await expect
      .poll(async () => (await listenTo(coordinator.url, job_id, { key })).response.status)
      .toBe(200);
  });
});

describeEachEngine('streamed text', engine => {
  const start = (options: object) => startTestCoordinator(engine, options);

  test('is erased some time after the end of its job, whose result stays', async () => {
    const coordinator = await start({ streamKeepSeconds: 60 });
    const { job_id, miner, post } = await running(coordinator);
    await post(0, ['a', 'b']);
    await coordinator.pass({ seconds: 60 });
    await actions(coordinator).complete(job_id, miner, 'ab');
    await coordinator.pass({ seconds: 59 });
    expect(await rowsOf(coordinator)).toBe(3);
    await coordinator.pass({ seconds: 1 });
    expect(await rowsOf(coordinator)).toBe(0);
    const told = await (await listenTo(coordinator.url, job_id)).until('end');
    expect(inShort(told)).toEqual(['running 1', 'completed 1', 'result', 'receipt']);
    await coordinator.stop();
  });

  test('of a job that has not ended stays', async () => {
    const coordinator = await start({ streamKeepSeconds: 0, leaseSeconds: DAY, jobTimeoutSeconds: DAY });
    const { post } = await running(coordinator);
    await post(0, ['a', 'b']);
    await coordinator.pass({ seconds: 3600 });
    expect(await rowsOf(coordinator)).toBe(3);
    await coordinator.stop();
  });

  test('goes with the other texts of its job at the latest', async () => {
    const coordinator = await start({ streamKeepSeconds: 10 * DAY, retentionDays: 1 });
    const { job_id, miner, post } = await running(coordinator);
    await post(0, ['a']);
    await actions(coordinator).complete(job_id, miner, 'ab');
    await coordinator.pass({ seconds: DAY });
    expect(await rowsOf(coordinator)).toBe(0);
    const told = await (await listenTo(coordinator.url, job_id)).until('result');
    expect(told.at(-1)?.data).toEqual({ result: null, usage: null });
    await coordinator.stop();
  });

  test('of an attempt that is over is gone at once', async () => {
    const coordinator = await start({});
    const { job_id, miner, post } = await running(coordinator);
    await post(0, ['a', 'b']);
    await actions(coordinator).fail(job_id, miner);
    expect(await rowsOf(coordinator)).toBe(1);
    await coordinator.stop();
  });

  test('is there after a restart, and read on from where one was', async () => {
    const coordinator = await start({});
    const { job_id, miner, post } = await running(coordinator);
    await post(0, ['a', 'b']);
    const listener = await listenTo(coordinator.url, job_id);
    const first = (await listener.until('chunk')).at(-1);
    await listener.next();
    await coordinator.restart();
    // The stop has ended the stream rather than broken it.
    expect(await listener.next()).toBeUndefined();
    await post(2, ['c']);
    await actions(coordinator).complete(job_id, miner, 'abc');
    const told = await (await listenTo(coordinator.url, job_id, { after: first?.id })).until('end');
    expect(inShort(told)).toEqual(['"b"', '"c"', 'completed 1', 'result', 'receipt']);
    await coordinator.stop();
  });
});
