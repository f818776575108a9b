import type { NetworkStats } from '@aitbc/protocol';
import type { Store } from '../store/store.ts';
import { readCounters } from './queries.ts';

/** Network statistics, from counters that the writes keep. */
export async function networkStats(store: Store): Promise<NetworkStats> {
  const counters = await readCounters(store.read);
  const count = (name: string) => counters.get(name) ?? 0;
  const byStatus = {
    pending_jobs: count('jobs.pending'),
    running_jobs: count('jobs.running'),
    completed_jobs: count('jobs.completed'),
    failed_jobs: count('jobs.failed'),
    cancelled_jobs: count('jobs.cancelled'),
  };
  return {
    total_jobs: Object.values(byStatus).reduce((sum, jobs) => sum + jobs, 0),
    ...byStatus,
    total_miners: count('miners.total'),
    active_miners: count('miners.active'),
    total_receipts: count('receipts.total'),
    block_height: 0,
  };
}
