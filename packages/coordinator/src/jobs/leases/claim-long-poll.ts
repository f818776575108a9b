import { LOOK_AGAIN_MS, type WaitingMiner, type Waits } from '../scheduling/waiting.ts';
import type { HeldJob } from './held-job.ts';

export interface LongPoll {
  waits: Pick<Waits, 'lastReady' | 'forWork' | 'closed'>;
  /** How long the miner waits for a first job. */
  waitMs: number;
  /** Aborts when the miner waits no more. */
  signal: AbortSignal;
}

/**
 * Claims jobs, and while there are none waits for one. The miner asks again when a job gets ready that it can run, and now
 * and then when not: a wake-up that was lost costs time, never a job.
 */
export async function claimOrWait(
  claim: () => Promise<HeldJob[]>,
  miner: WaitingMiner,
  { waits, waitMs, signal }: LongPoll,
): Promise<HeldJob[]> {
  const until = miner.since + waitMs;
  for (;;) {
    const ready = waits.lastReady(miner.abilities);
    const jobs = await claim();
    const leftMs = until - performance.now();
    if (jobs.length > 0 || leftMs <= 0 || waits.closed) return jobs;
    // What got ready while it asked, it may not have seen.
    if (waits.lastReady(miner.abilities) === ready)
      await waits.forWork(miner, Math.min(leftMs, LOOK_AGAIN_MS), signal);
    if (signal.aborted) return [];
  }
}
