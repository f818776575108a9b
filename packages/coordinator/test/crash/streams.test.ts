import { stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { NumberedJobEvent } from '@aitbc/protocol';
import { CoordinatorClient } from '@aitbc/sdk';
import { expect, test } from 'vitest';
import { describeEachEngine, sqlite } from '../harness/engines.ts';
import { listenTo } from '../harness/events.ts';
import { spawnServer } from './server.ts';

const STREAMS = 10;
const CHUNKS = 10;

const textsOf = (told: readonly NumberedJobEvent[]) =>
  told.flatMap(event => (event.event === 'chunk' ? [event.data.text] : []));

describeEachEngine('a server that is killed in mid-stream', engine => {
  // What a process has written survives its own death: only the machine's can lose what was not synced.
  test.each(engine.name === 'sqlite' ? ['sync', 'batch'] : ['sync'])(
    'has every chunk that it acknowledged, and goes on from there (%s)',
    async durability => {
      const { options, remove } = await engine.prepare();
      const args = ['--stream-durability', durability];
      let server = spawnServer(options, { args });
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

      server = spawnServer(options, { args });
      url = await server.listening;
      const most = Math.max(...streams.map(stream => stream.acknowledged)) + CHUNKS;
      await Promise.all(streams.map(goOn(most)));
      for (const stream of streams) {
        await client().jobs.complete(stream.job_id, { miner_id: stream.name, result: 'done' });
        const told = await (await listenTo(url, stream.job_id)).until('end');
        expect(textsOf(told)).toEqual(Array.from({ length: most }, (_, index) => textOf(stream, index)));
      }
      server.child.kill('SIGTERM');
      await server.exited;
      await remove();
    },
  );
});

test('a machine that loses power may lose chunks that were not synced, and a reader still misses nothing', async () => {
  const { options, remove } = await sqlite.prepare();
  const args = ['--stream-durability', 'batch'];
  const log = join(options.data, 'coordinator.db-wal');
  let server = spawnServer(options, { args });
  let client = new CoordinatorClient(await server.listening);
  await client.miners.register({ miner_id: 'm', capabilities: ['m'] });
  const { job_id } = await client.jobs.submit({ prompt: 'Hello', model: 'm', stream: true });
  await client.miners.claimJobs('m');
  const chunks = Array.from({ length: CHUNKS }, (_, index) => `chunk ${index}; `);
  const post = (first: number, end: number) =>
    client.jobs.postChunks(job_id, { miner_id: 'm', first, chunks: chunks.slice(first, end) });
  await post(0, 3);
  const { size } = await stat(log);
  await post(3, 6);
  const reader = await listenTo(await server.listening, job_id);
  const before: NumberedJobEvent[] = [];
  while (textsOf(before).length < 6) before.push((await reader.next()) as NumberedJobEvent);
  server.child.kill('SIGKILL');
  await server.exited;

  // What the disk has of a log whose end was not synced.
  await truncate(log, size);
  server = spawnServer(options, { args });
  client = new CoordinatorClient(await server.listening);
  await expect(post(6, 9)).rejects.toMatchObject({ status: 400, field: 'first' });
  // As the miner does then: it posts all again, cut at the same places.
  expect(await post(0, 9)).toMatchObject({ next: 9 });
  await client.jobs.complete(job_id, { miner_id: 'm', result: chunks.join('') });
  const after = await Array.fromAsync(client.jobs.events(job_id, { after: before.at(-1)?.id }));
  expect(textsOf([...before, ...after])).toEqual(chunks.slice(0, 9));
  server.child.kill('SIGTERM');
  await server.exited;
  await remove();
});
