import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase } from '../test/postgres.ts';
import { requirement } from '../test/requirement.ts';
import { isLitellmInstalled } from './peers/litellm.ts';
import { arePeersInstalled, PEERS, startPeer } from './peers/peers.ts';
import { peersReport } from './report.ts';
import { type LoadResult, PARTS } from './results.ts';
import { peers, streamPeers } from './scenarios/peers.ts';
import type { OwnServer } from './server.ts';

/** Statements that find a job and its result in each peer's tables. */
const KEPT = {
  'pg-boss': `SELECT data->>'prompt' AS prompt, output->>'result' AS result FROM pgboss.job`,
  'pg-boss, batched': `SELECT data->>'prompt' AS prompt, result FROM pgboss.job JOIN result ON job_id = id
    WHERE state = 'completed'`,
  'graphile-worker': 'SELECT prompt, result FROM result',
  'graphile-worker, batched': 'SELECT prompt, result FROM result',
};

for (const peer of PEERS) {
  const name = peer.batched ? (`${peer.name}, batched` as const) : peer.name;

  describe.skipIf(!arePeersInstalled())(`the server on ${name}`, () => {
    let url: string;
    let server: OwnServer;

    beforeAll(async () => {
      url = (await createTestDatabase()).url;
      server = await startPeer(peer, url);
    });
    afterAll(() => server.stop());

    async function post<Answer>(path: string, body: object): Promise<Answer> {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(`${server.url}${path}`, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      });
      expect(response.ok).toBe(true);
      return (await response.json()) as Answer;
    }

    const submit = (prompt: string) => post<{ job_id: string }>('/v1/jobs', { prompt, model: 'bench' });
    const claim = async () => {
      const { jobs } = await post<{ jobs: object[] }>('/v1/miners/m/claims', { max: 1 });
      return jobs[0] as { job_id: string; prompt: string } | undefined;
    };
    const complete = (id: string | undefined, result: string) =>
      post(`/v1/jobs/${id}/complete`, { miner_id: 'm', result });

    test('runs a lifecycle and keeps prompt and result', async () => {
      const submitted = await submit('How far is the moon?');
      const claimed = await claim();
      expect(claimed).toMatchObject({ ...submitted, prompt: 'How far is the moon?' });

      await complete(claimed?.job_id, 'Far.');

      const client = new Client({ connectionString: url });
      await client.connect();
      const { rows } = await client.query(KEPT[name]);
      await client.end();
      expect(rows).toEqual([{ prompt: 'How far is the moon?', result: 'Far.' }]);
    });

    test('gives each job once, however many ask at the same time', async () => {
      const submitted = await Promise.all(Array.from({ length: 20 }, () => submit('Hi')));

      const claimed = await Promise.all(submitted.map(() => claim()));

      const ids = (jobs: readonly ({ job_id: string } | undefined)[]) => jobs.map(job => job?.job_id).sort();
      expect(ids(claimed)).toEqual(ids(submitted));
      await Promise.all(claimed.map(job => complete(job?.job_id, 'Hello')));
    });
  });
}

const quietly = () => {};

test.skipIf(!arePeersInstalled())(
  'the coordinator and its peers are measured side by side',
  async () => {
    const compared = PEERS.slice(1, 3);

    const result = await peers({ connections: 16, seconds: 1, warmup: 0, rounds: 1 }, quietly, compared);

    expect(result.peers.map(({ name, batched }) => ({ name, batched }))).toEqual(compared);
    for (const { lifecycles, latencies } of [result.coordinator, ...result.peers.map(peer => peer.result)]) {
      expect(lifecycles).toBeGreaterThan(0);
      // Peers are not asked for results.
      for (const part of PARTS.filter(part => part !== 'fetch'))
        expect(latencies[part]?.p99).toBeGreaterThanOrEqual(latencies[part]?.p50 ?? NaN);
    }
    const streams = { coordinator: [], litellm: [] };
    expect(peersReport({ jobs: result, streams })).not.toContain('NaN');
  },
  60_000,
);

const NOT_INSTALLED =
  'Set LITELLM to the command of LiteLLM’s proxy, which `npm run bench -- --peers` installs';

test('streams through the coordinator are measured beside those through LiteLLM', async context => {
  requirement(context, isLitellmInstalled(), NOT_INSTALLED);

  const result = await streamPeers({ readers: [2], seconds: 1, warmup: 0, rounds: 1 }, quietly);

  for (const [measured] of [result.coordinator, result.litellm]) {
    expect(measured?.streams).toBe(2);
    expect(measured?.through.tokens).toBeGreaterThan(0);
    expect(measured?.through.delay.p50).toBeGreaterThan(measured?.direct.delay.p50 ?? NaN);
  }
  expect(peersReport({ jobs: { coordinator: NO_JOBS, peers: [] }, streams: result })).not.toContain('NaN');
}, 300_000);

const NO_JOBS: LoadResult = {
  ...{ lifecycles: 0, perSecond: 1, emptyClaims: 0 },
  latencies: { submit: null, claim: null, complete: null, fetch: null, 'submit-to-result': null },
  cores: { generator: 0, server: null, database: null, busy: null, given: null },
};
