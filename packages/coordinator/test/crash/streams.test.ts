import { CoordinatorClient } from '@aitbc/sdk';
import { expect, test } from 'vitest';
import { describeEachEngine } from '../harness/engines.ts';
import { listenTo } from '../harness/events.ts';
import { spawnServer } from './server.ts';

const STREAMS = 20;
const CHUNKS = 10;

describeEachEngine('a server that is killed in mid-stream', engine => {
  test('has every chunk that it acknowledged, and goes on from there', async () => {
    const { options, remove } = await engine.prepare();
    let server = spawnServer(options);
    let url = await server.listening;
    const client = () => new CoordinatorClient(url);
    const names = Array.from({ length: STREAMS }, (_, index) => `m${index}`);
    const streams = await Promise.all(
      names.map(async name => {
        await client().miners.register({ miner_id: name, capabilities: [name] });
        const { job_id } = await client().jobs.submit({ prompt: 'Hello', model: name, stream: true });
        await client().miners.claimJobs(name);
        return { name, job_id, acknowledged: 0 };
      }),
    );
    type Stream = (typeof streams)[number];
    const textOf = ({ name }: Stream, index: number) => `${name}, ${index}; `;
    const post = async (stream: Stream) => {
      const first = stream.acknowledged;
      const answer = await fetch(`${url}/v1/jobs/${stream.job_id}/chunks`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ miner_id: stream.name, first, chunks: [textOf(stream, first)] }),
      });
      expect(answer.status).toBe(200);
      stream.acknowledged++;
    };
    const goOn = (until: number) => async (stream: Stream) => {
      while (stream.acknowledged < until) await post(stream);
    };

    // All are at it when it is killed, each somewhere else.
    let acknowledged = 0;
    const broken = streams.map(async stream => {
      for (;;) {
        await post(stream);
        if (++acknowledged === STREAMS * 5) server.child.kill('SIGKILL');
      }
    });
    const ends = await Promise.allSettled(broken);
    expect(ends.map(({ status }) => status)).toEqual(Array(STREAMS).fill('rejected'));
    await server.exited;

    server = spawnServer(options);
    url = await server.listening;
    const most = Math.max(...streams.map(stream => stream.acknowledged)) + CHUNKS;
    await Promise.all(streams.map(goOn(most)));
    for (const stream of streams) {
      await client().jobs.complete(stream.job_id, { miner_id: stream.name, result: 'done' });
      const told = await (await listenTo(url, stream.job_id)).until('end');
      const texts = told.flatMap(event => (event.event === 'chunk' ? [event.data.text] : []));
      expect(texts).toEqual(Array.from({ length: most }, (_, index) => textOf(stream, index)));
    }
    server.child.kill('SIGTERM');
    await server.exited;
    await remove();
  });
});
