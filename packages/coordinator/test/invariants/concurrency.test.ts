import type { Miner, MinerJob, NetworkStats, PublicKeys, Receipt } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { withCoordinator } from '../harness/coordinator.ts';
import { describeEachEngine } from '../harness/engines.ts';
import { randomNumbers } from '../harness/random.ts';
import { falseReceipts, violations } from './violations.ts';

const MINERS = 50;
const JOBS = Number(process.env.AITBC_CONCURRENCY_JOBS ?? 500);
const MODELS = ['a', 'b', 'c'];

describeEachEngine(`${MINERS} miners at once`, engine => {
  const coordinator = withCoordinator(engine, { retryBackoffSeconds: 0, leaseSeconds: 60 });

  /** The receipts that miners were given: their own record of what they ran. */
  const earned = new Map<string, Receipt[]>();
  /** How many jobs the dead hold. */
  let abandoned = 0;

  async function post<Body>(path: string, body: object): Promise<{ status: number; body: Body }> {
    return await coordinator.call<Body>('POST', `/v1/${path}`, body);
  }

  async function submitAll(count: number): Promise<void> {
    for (let start = 0; start < count; start += 200) {
      const jobs = Array.from({ length: Math.min(200, count - start) }, (_, index) => ({
        prompt: `job ${start + index}`,
        model: MODELS[index % MODELS.length],
        priority: index % 7 === 0 ? 1 : 0,
        max_attempts: 100,
      }));
      expect((await post('jobs/batch', { jobs })).status).toBe(201);
    }
  }

  /** Asks in one of the ways that miners ask. */
  async function ask(miner: string, random: () => number): Promise<MinerJob[]> {
    const way = random();
    if (way < 0.4) return (await claims(miner, { max: 1 + Math.floor(random() * 8) })).jobs;
    if (way < 0.7) return (await claims(miner, { max: 1 + Math.floor(random() * 8), wait: 1 })).jobs;
    const wait = way < 0.85 ? '' : '&wait=1';
    const path = `/v1/jobs/available?miner_id=${miner}${wait}`;
    const { body: offer } = await coordinator.call<MinerJob | null>('GET', path);
    if (!offer) return [];
    const { status, body } = await post<MinerJob>(`jobs/${offer.job_id}/claim`, { miner_id: miner });
    return status === 200 ? [body] : [];
  }

  const claims = async (miner: string, body: object) =>
    (await post<{ jobs: MinerJob[] }>(`miners/${miner}/claims`, body)).body;

  async function complete(miner: string, { job_id }: MinerJob): Promise<void> {
    const { status, body } = await post<Receipt>(`jobs/${job_id}/complete`, { miner_id: miner, result: 'r' });
    expect([status, body.job_id]).toEqual([200, job_id]);
    earned.set(miner, [...(earned.get(miner) ?? []), body]);
  }

  const stats = async () => (await coordinator.call<NetworkStats>('GET', '/v1/stats')).body;
  const nameOf = (number: number) => `miner${String(number).padStart(2, '0')}`;

  async function register(number: number): Promise<void> {
    const capabilities = MODELS.filter((_, index) => index === number % 3 || number % 2 === 0);
    const concurrency = 1 + (number % 10);
    await post('miners/register', { miner_id: nameOf(number), capabilities, concurrency });
  }

  /**
   * Runs jobs until only the dead hold any, fails some, hands some back; a mortal one leaves one day without a word. Who
   * left as soon as none is pending would leave jobs that are handed back to those who must not have them again.
   */
  async function work(number: number, mortal: boolean): Promise<void> {
    const miner = nameOf(number);
    const random = randomNumbers(number);
    for (;;) {
      const jobs = await ask(miner, random);
      if (jobs.length === 0) {
        const { total_jobs, pending_jobs, running_jobs } = await stats();
        if (total_jobs === JOBS && pending_jobs === 0 && running_jobs === abandoned) return;
      }
      if (mortal && jobs.length > 0 && random() < 0.05) {
        abandoned += jobs.length;
        return;
      }
      for (const job of jobs) {
        const fate = random();
        if (fate < 0.05) await post(`jobs/${job.job_id}/fail`, { miner_id: miner, error: 'e' });
        else if (fate < 0.1) await post(`jobs/${job.job_id}/release`, { miner_id: miner });
        else await complete(miner, job);
      }
    }
  }

  test(`run each of ${JOBS} jobs once, whoever fails, hands back or dies`, async () => {
    const miners = Array.from({ length: MINERS }, (_, number) => number);
    for (const number of miners) await register(number);
    await Promise.all([submitAll(JOBS), ...miners.map(number => work(number, number % 5 === 0))]);
    const { store } = coordinator.running.modules;
    expect(await violations(store.read)).toEqual([]);
    // What the dead held comes back.
    expect((await stats()).running_jobs).toBeGreaterThan(0);
    await coordinator.pass({ seconds: 60 });
    abandoned = 0;
    await Promise.all(miners.filter(number => number % 5 !== 0).map(number => work(number, false)));

    const receipts = [...earned.values()].flat();
    expect(new Set(receipts.map(({ job_id }) => job_id)).size).toBe(JOBS);
    expect(new Set(receipts.map(({ receipt_id }) => receipt_id)).size).toBe(JOBS);
    expect(receipts).toHaveLength(JOBS);
    expect(await stats()).toMatchObject({
      total_jobs: JOBS,
      completed_jobs: JOBS,
      total_receipts: JOBS,
      total_miners: MINERS,
    });
    const { body: listed } = await coordinator.call<Miner[]>('GET', '/v1/miners?limit=100');
    const counted = Object.fromEntries(listed.map(({ miner_id, completed }) => [miner_id, completed]));
    expect(counted).toEqual(
      Object.fromEntries(miners.map(number => [nameOf(number), earned.get(nameOf(number))?.length ?? 0])),
    );
    expect(await violations(store.read)).toEqual([]);
    const { keys } = (await coordinator.call<PublicKeys>('GET', '/v1/keys')).body;
    expect(await falseReceipts(store.read, keys)).toEqual([]);
  }, 180_000);
});
