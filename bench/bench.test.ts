import { describe, expect, test } from 'vitest';
import {
  abuseReport,
  growthReport,
  ledgerReport,
  memoryReport,
  retainedReport,
  soakReport,
  streamsReport,
  throughputReport,
  waitingReport,
  webhooksReport,
} from './report.ts';
import { FETCHES, PARTS } from './results.ts';
import { abuse, MOST_MEMORY } from './scenarios/abuse.ts';
import { growth } from './scenarios/growth.ts';
import { ledger } from './scenarios/ledger.ts';
import { memory } from './scenarios/memory.ts';
import { retained } from './scenarios/retained.ts';
import { soak } from './scenarios/soak.ts';
import { aitbcRelay, streams } from './scenarios/streams.ts';
import { throughput } from './scenarios/throughput.ts';
import { waiting } from './scenarios/waiting.ts';
import { webhooks } from './scenarios/webhooks.ts';
import { STORES, startCoordinator } from './server.ts';

const SHORT = { connections: 32, seconds: 1, warmup: 0, rounds: 1 };
const quietly = () => {};
const isMeasured = (cores: number | null = null) => cores !== null && cores > 0;

describe.each(STORES)('on %s', { timeout: 180_000 }, store => {
  test('throughput measures every part of a lifecycle beside a server that does the least', async () => {
    const result = await throughput({ ...SHORT, coordinator: () => startCoordinator({ store }) }, quietly);
    expect(result.runs.map(run => `${run.server} ${run.fetch}`)).toEqual([
      ...FETCHES.map(fetch => `coordinator ${fetch}`),
      ...['skeleton get', 'skeleton none'],
    ]);
    for (const { fetch, result: run } of result.runs) {
      expect(run.lifecycles).toBeGreaterThan(0);
      expect(run.emptyClaims).toBe(0);
      for (const part of PARTS) {
        if (part === 'fetch' && fetch !== 'get') expect(run.latencies[part]).toBeNull();
        else expect(run.latencies[part]?.p99).toBeGreaterThanOrEqual(run.latencies[part]?.p50 ?? NaN);
      }
    }
    expect(throughputReport(result)).not.toContain('NaN');
    const { server, database } = result.runs[0]?.result.cores ?? {};
    expect({ server: isMeasured(server), database: isMeasured(database) }).toEqual({
      server: process.platform === 'linux',
      database: process.platform === 'linux' && store === 'postgres',
    });
  });
});

describe('on the embedded store', { timeout: 180_000 }, () => {
  const store = 'sqlite';

  test.each(['pending', 'finished'] as const)('lifecycles are measured on top of %s jobs', async stored => {
    const result = await growth(stored, 2_000, { ...SHORT, store }, quietly);
    expect(result.full.load.lifecycles).toBeGreaterThan(0);
    expect(result.full.load.emptyClaims).toBe(0);
    for (const ratio of Object.values(result.ratios)) expect(ratio).toBeGreaterThan(0);
    expect(growthReport(result)).not.toContain('NaN');
  });

  test('jobs are measured while many miners wait for work', async () => {
    const result = await waiting(300, { ...SHORT, store }, quietly);
    expect(result.many).toBeGreaterThan(0);
    expect(result.ratio).toBe(result.many / result.few);
    expect(waitingReport(result)).not.toContain('NaN');
  });

  test('the ledger is measured beside jobs, and while it catches up', async () => {
    const result = await ledger(1_000, { ...SHORT, store }, quietly);
    expect(result.ratio).toBeGreaterThan(0);
    expect(result.entriesPerSecond).toBeGreaterThan(0);
    expect(ledgerReport(result)).not.toContain('NaN');
  });

  test('deliveries of webhooks are counted, and what one costs its account', async () => {
    const result = await webhooks(300, { ...SHORT, store, receivers: 3 }, quietly);
    const { oneHangs, allAnswer } = result;
    expect([oneHangs, allAnswer].map(run => run.deliveries - run.doubles)).toEqual([200, 300]);
    expect([oneHangs, allAnswer].map(run => run.delays.length)).toEqual([2, 3]);
    expect(oneHangs.hanging).toBeGreaterThan(0);
    expect(result.with.lifecycles).toBeGreaterThan(0);
    expect(webhooksReport(result)).not.toContain('NaN');
  });

  test('memory is measured while miners wait, and over lifecycles', async () => {
    const result = await memory(4_000, { ...SHORT, store }, quietly);
    expect(result.idle).toBeGreaterThan(0);
    expect(result.most).toBeGreaterThanOrEqual(result.idle);
    expect(result.quarters).toHaveLength(4);
    expect(result.growth).toBeGreaterThan(0);
    expect(memoryReport(result)).not.toContain('NaN');
  });

  test('half of the load is held without a failure, and memory is looked at', async () => {
    const result = await soak({ ...SHORT, store, seconds: 8, mostSeconds: 2 }, quietly);
    // So short a run still warms up, so its memory says nothing.
    expect(result.missed.filter(what => what !== 'memory')).toEqual([]);
    expect(result.deliveries).toBeGreaterThanOrEqual(result.result.lifecycles);
    expect(result.result.perSecond).toBeLessThan(result.most * 0.6);
    expect(soakReport(result)).not.toContain('NaN');
  });

  test('names that anybody makes up and text that nobody reads leave little in memory', async () => {
    const result = await retained(100_000, quietly);
    expect(result.missed).toEqual([]);
    expect(result.uses).toHaveLength(4);
    expect(retainedReport(result)).not.toContain('NaN');
  });

  test('tokens of streams are measured from the engine to their readers', async () => {
    const options = { ...SHORT, readers: [1, 4] };
    const results = await streams(options, aitbcRelay({ store }), quietly);
    expect(results.map(({ streams }) => streams)).toEqual([1, 4]);
    for (const { direct, through } of results) {
      expect(through.tokens).toBeGreaterThan(0);
      expect(through.delay.p50).toBeGreaterThan(direct.delay.p50);
      expect(through.firstToken.p99).toBeGreaterThanOrEqual(through.firstToken.p50);
    }
    expect(streamsReport(results)).not.toContain('NaN');
  });

  test('a client is measured beside one that means no good', async () => {
    const result = await abuse({ ...SHORT, store, attacks: ['16 MB, invalid', 'stalled bodies'] }, quietly);
    const [invalid, stalled] = result.attacks;
    expect(Object.keys(invalid?.answered ?? {})).toEqual(['400']);
    expect(Object.keys(stalled?.answered ?? {})).not.toContain('201');
    for (const { idle, abused, ratio, memory } of result.attacks) {
      expect(idle.p50).toBeGreaterThan(0);
      expect(ratio).toBe(abused.p50 / idle.p50);
      expect(memory).toBeLessThan(MOST_MEMORY);
    }
    expect(abuseReport(result)).not.toContain('NaN');
  });
});
