import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMigratedDatabase } from '../harness/engines.ts';
import { inShort, listenTo } from '../harness/events.ts';
import { type Replica, type Replicas, startReplicas } from './replicas.ts';

let replicas: Replicas;
let a: Replica;
let b: Replica;
let c: Replica;

beforeAll(async () => {
  const url = await createMigratedDatabase();
  replicas = await startReplicas(Array(3).fill(url));
  [a, b, c] = replicas.all as [Replica, Replica, Replica];
});
afterAll(() => replicas.stop());

async function post({ url }: Replica, jobId: string, miner: string, first: number, chunks: string[]) {
  const answer = await fetch(`${url}/v1/jobs/${jobId}/chunks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ miner_id: miner, first, chunks }),
  });
  expect(answer.status).toBe(200);
}

async function running(name: string) {
  await a.client.miners.register({ miner_id: name, capabilities: [name] });
  const { job_id } = await b.client.jobs.submit({ prompt: 'Hello', model: name, stream: true });
  await c.client.miners.claimJobs(name);
  return job_id;
}

describe('a stream over three coordinators on one database', () => {
  test('is posted at one and read at the others as it comes', async () => {
    const id = await running('spread');
    const listeners = await Promise.all([b, c].map(({ url }) => listenTo(url, id)));
    for (const [index, text] of ['one', 'two', 'three'].entries()) {
      // Now at one, now at another: chunks are numbered within the attempt.
      await post(index === 1 ? b : a, id, 'spread', index, [text]);
      for (const listener of listeners)
        expect(inShort(await listener.until('chunk')).at(-1)).toBe(JSON.stringify(text));
    }
    await a.client.jobs.complete(id, { miner_id: 'spread', result: 'onetwothree' });
    for (const listener of listeners)
      expect(inShort(await listener.until('end'))).toEqual(['completed 1', 'result', 'receipt']);
  });

  test('goes on at another when one is killed, with nothing twice and nothing missing', async () => {
    const id = await running('survives');
    const listener = await listenTo(c.url, id);
    await post(a, id, 'survives', 0, ['one', 'two', 'three']);
    const last = (await listener.until('chunk')).at(-1);
    await c.kill();
    await post(b, id, 'survives', 3, ['four']);
    const again = await listenTo(a.url, id, { after: last?.id });
    await b.client.jobs.complete(id, { miner_id: 'survives', result: 'onetwothreefour' });
    expect(inShort(await again.until('end'))).toEqual([
      ...['"two"', '"three"', '"four"'],
      ...['completed 1', 'result', 'receipt'],
    ]);
    await c.restart();
  });
});
