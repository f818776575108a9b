import type { Waits } from '../scheduling/waiting.ts';
import type { WaitingMiner } from '../scheduling/waiting-miners.ts';
import type { HeldJob } from './held-job.ts';

interface LongPoll {
  waits: Pick<Waits, 'lastReady' | 'forWork' | 'closed'>;
  /** How long the miner waits for a first job. */
  waitMs: number;
  /** How often a waiting miner claims again, in ms. Each claim shows that the miner is alive. */
  aliveMs: number;
  /** Aborts when the miner stops waiting. */
  signal: AbortSignal;
}

/**
 * Claims jobs, or waits for one if there are none. The miner asks again when a job becomes ready that it can run, and
 * also at intervals, so that a wait does not count as silence.
 */
export async function claimOrWait(
  claim: () => Promise<HeldJob[]>,
  miner: WaitingMiner,
  { waits, waitMs, aliveMs, signal }: LongPoll,
): Promise<HeldJob[]> {
  const until = miner.since + waitMs;
  for (;;) {
    const ready = waits.lastReady(miner.abilities);
    const jobs = await claim();
    const leftMs = until - performance.now();
    if (jobs.length > 0 || leftMs <= 0 || waits.closed) return jobs;
    // Waiting is skipped if a job became ready during the claim, which may have missed it.
    if (waits.lastReady(miner.abilities) === ready)
      await waits.forWork(miner, Math.min(leftMs, aliveMs), signal);
    if (signal.aborted) return [];
  }
}
