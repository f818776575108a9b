import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { newRecord } from '../src/miners/reputation.ts';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeOneEngine } from './harness/engines.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

function usedMiB(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

const NAMES = 100_000;

const MINER = {
  id: 'any',
  owner_id: 1,
  payee_id: 1,
  abilities: null,
  probation: 0,
  gpu_info: null,
  vram_gb: null,
  region: null,
  concurrency: null,
  public_key: null,
  epoch: 1,
  session: null,
  key_proven: 0,
  loaded: null,
  status: 'online' as const,
  draining: 0,
  running: 0,
  completed: 0,
  failed: 0,
  operator_id: 1,
  ...newRecord(0),
  registered_at: 0,
  last_seen_at: 0,
};

describeOneEngine('memory', engine => {
  const coordinator = withCoordinator(engine, { streamLimit: 64 * 2 ** 20 });

  /** What is kept of so many names, in MiB: without a bound it is more than 20, and grows. */
  function keptOf(use: (name: string) => void): number {
    const before = usedMiB();
    for (let count = 0; count < NAMES; count++) use(`${'model-'.repeat(20)}${count}`);
    return usedMiB() - before;
  }

  const queue = (model: string) => ({ model, region: '', min_vram_gb: 0, needs: '', min_context: 0 });

  test('is not filled by asking who could run models of any name', () => {
    const { directory } = coordinator.running.modules.miners;
    expect(keptOf(name => directory.reach(queue(name)))).toBeLessThan(10);
  });

  test('is not filled by a miner that offers models of any name', () => {
    const { directory } = coordinator.running.modules.miners;
    const offer = (name: string) => ({ ...MINER, capabilities: JSON.stringify([name]) });
    const kept = keptOf(name => directory.apply([{ type: 'miner.changed', miner: offer(name) }]));
    expect(kept).toBeLessThan(10);
  });

  test('is not filled by jobs for models of any name', () => {
    const { scheduling: waits } = coordinator.running.modules;
    const kept = keptOf(name => waits.apply([{ type: 'jobs.ready', queue: queue(name), count: 1 }]));
    expect(kept).toBeLessThan(10);
  });

  test('is not filled by who follows a stream and reads nothing of it', async () => {
    const { register, submit, claims, cancel } = actions(coordinator);
    const { accounts, streaming } = coordinator.running.modules;
    if (!accounts.anonymous) throw new Error('The coordinator is not open');
    await register('talks', { capabilities: ['talk'] });
    const { job_id } = await submit({ model: 'talk', stream: true });
    await claims('talks');
    const text = '\u2665'.repeat(5_000);
    const post = (first: number) =>
      streaming.chunks.post(accounts.anonymous as never, job_id, {
        ...{ minerId: 'talks', attempt: undefined, first },
        chunks: Array(100).fill({ kind: 'text', text }),
      });
    const following = await streaming.events.follow(accounts.anonymous, job_id, {
      signal: new AbortController().signal,
    });
    const events = following?.[Symbol.asyncIterator]();
    await post(0);
    for (let event = await events?.next(); event?.value?.event !== 'chunk'; ) event = await events?.next();
    const before = usedMiB();
    for (let first = 100; first < 2_000; first += 100) await post(first);
    expect(usedMiB() - before).toBeLessThan(5);
    await cancel(job_id);
    let read = 0;
    for (let event = await events?.next(); !event?.done; event = await events?.next()) {
      if (event?.value.event === 'chunk') read++;
    }
    expect(read).toBe(1_999);
  });
});
